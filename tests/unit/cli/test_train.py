"""`accelsim train`: what it refuses, what it writes, and that a run that was killed ends as if it
had not been.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from accelsim.cli import app as cli
from accelsim.cli import progress
from accelsim.cli.commands.training.run_folder import LOCK, RunFolder
from accelsim.errors import InputError
from accelsim.results.training import TrainingDocument
from accelsim.training import run as training_run
from accelsim.training import trainer

pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")

Run = Callable[..., tuple[object, str, str]]
FORMATS = "weight=FORMAT, activation=FORMAT, error=FORMAT with formats fp32, fp16, bf16, e4m3, e5m2"
GAMMA = (
    "hdfa.gamma must be left out unless --optimizer is momentum, the only optimizer that uses it, "
    "got 0.5"
)
STARTED = (
    "training digits-fc with dfa on digits: 1,437 images, 3 steps an epoch, {}, learning "
    "rate 0.003, momentum, constant schedule"
)
SMALL = ("train", "digits-fc", "--rule", "dfa", "--batch", "479")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line: (exit code, stdout, stderr)."""

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code, printed.out, printed.err.replace(f"{progress.COMPILING}\n", "")

    return call


def test_every_wrong_option_is_told_at_once_before_data_are_read(run: Run) -> None:
    options = (
        "--epochs 0 --width 99 --vocabulary 1 --batch 0 --learning-rate nan --schedule x "
        "--optimizer y --weight-decay -1 --held-out 1"
    )
    options += (
        " --formats weight=bf17 --trace-every -1 --samples 0 --seed x --threads 0 --resume "
        "--rule dfa:scal=2 --data /nowhere"
    )
    code, out, err = run("train", "digits-fc", *options.split())
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "--epochs must be a whole number >= 1, got 0",
        "--width must be a number > 0, at most 16, got 99",
        "--vocabulary must be a whole number >= 2, got 1",
        "--batch must be a whole number between 1 and 1048576, got 0",
        "--learning-rate must be a number > 0, got nan",
        "--schedule must be one of constant, cosine, got x",
        "--optimizer must be one of sgd, momentum, adam, adamw, lion, got y",
        "--weight-decay must be a number >= 0, got -1",
        "--held-out must be a number from 0, below 1, got 1",
        f"--formats must be a comma-separated list of {FORMATS}, got weight=bf17",
        "--trace-every must be a whole number >= 0, got -1",
        "--samples must be a whole number >= 1, got 0",
        "--seed must be a whole number >= 0, got x",
        "--threads must be a whole number >= 1, got 0",
        "--resume must come with --out, the folder of the run",
        "dfa.scal is not a known option; did you mean scale?",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", ""], "--data must be a folder, got an empty name"),
        (["--out", ""], "--out must be a folder, got an empty name"),
        (
            ["--formats", "weight=fp16,weight=bf16"],
            "--formats must name each tensor once, got weight twice",
        ),
        (
            ["--trace-every", "1", "--batch", "2"],
            "--samples must be at most the --batch of 2, got 4",
        ),
        (
            ["--vocabulary", "20"],
            "vocabulary must be >= 2, of a network that reads text, got 20 for digits-fc",
        ),
        (["--data", "/nowhere"], "/nowhere: data directory does not exist"),
        (["--batch", "2000"], "batch must be between 1 and the 1437 training images, got 2000"),
        (["--augment"], "--augment must be left out for digits, whose images are not photographs"),
        (["--held-out", "0.0001"], "the held-out part of digits must be large enough to score"),
        (
            ["--rule", "hdfa:p=0.3", "--trace-every", "2"],
            (
                "--trace-every must be left out with hdfa, whose steps are of two families: trace "
                "bp "
                "and revised separately, got 2"
            ),
        ),
        (["--rule", "hdfa:gamma=0.5", "--optimizer", "adam"], GAMMA),
        (["--rule", "hdfa:gamma=0.5", "--optimizer", "sgd"], GAMMA),
        (["--rule", "dfaa"], "unknown rule dfaa; did you mean dfa? (accelsim list rules)"),
    ],
)
def test_what_does_not_fit_is_one_line_and_exit_2(
    run: Run, arguments: list[str], message: str
) -> None:
    assert run("train", "digits-fc", *arguments) == (2, "", f"{message}\n")


def test_a_gamma_is_refused_of_text_whose_usual_optimizer_is_adam(run: Run) -> None:
    assert run(
        "train", "lstm-wikitext2", "--rule", "hdfa:p=0.1,gamma=0.5", "--data", "/nowhere"
    ) == (2, "", f"{GAMMA}\n")


def test_a_trace_of_two_families_of_steps_is_refused(run: Run, tmp_path: Path) -> None:
    said = (
        "--rule must be one whose steps are of one family, got hdfa: trace bp and revised "
        "separately\n"
    )
    assert run("trace", "digits-fc", "--rule", "hdfa:p=0.3", "-o", str(tmp_path / "t.npz")) == (
        2,
        "",
        said,
    )


def test_a_typo_in_a_network_file_has_its_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "schema: accelsim.workload/1\nname: net\ninput: [8, 8, 1]\nlayers:\n  - {name: fc, kind: "
        "fc, out_feature: 10}\n"
    )
    code, out, err = run("train", str(path))
    assert (code, out) == (2, "")
    assert any(
        re.match(rf"{re.escape(str(path))}:5:\d+: .*out_feature", line) for line in err.splitlines()
    )


def test_the_document_alone_is_on_stdout(run: Run) -> None:
    code, out, err = run(*SMALL, "--epochs", "2", "--json")
    assert code == 0
    document = json.loads(out)
    assert (document["schema"], [row["epoch"] for row in document["epochs"]]) == (
        "accelsim.training/1",
        [1, 2],
    )
    started, *epochs = err.splitlines()
    assert started == STARTED.format("2 epochs")
    assert len(epochs) == 2
    assert all(
        re.fullmatch(
            r"epoch [12] of 2: loss \d\.\d{3}, accuracy [\d.]+ %, test accuracy [\d.]+ %, [\d,]+ "
            r"images/s",
            line,
        )
        for line in epochs
    )


def test_tables_say_what_was_trained(run: Run) -> None:
    code, out, _ = run(*SMALL, "--epochs", "2")
    assert code == 0
    first, *_ = out.splitlines()
    assert (
        first
        == "workload digits-fc, rule dfa, data digits, batch 479, learning rate 0.003, momentum, "
        "constant schedule, seed 0"
    )
    assert (
        len(re.findall(r"^ +[12] +3 +\d\.\d+ +[\d.]+ % +\d\.\d+ +[\d.]+ %$", out, re.MULTILINE))
        == 2
    )


def test_the_folder_holds_record_tables_plots_and_traces(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, said, err = run(
        *SMALL,
        "--epochs",
        "3",
        "--trace-every",
        "2",
        "--held-out",
        "0.2",
        "--batch",
        "300",
        "--out",
        str(out),
    )
    assert code == 0
    assert said.startswith("workload digits-fc")
    assert err.endswith(f"wrote {out / 'training.json'}, tables, plots and checkpoint\n")
    reports = {
        f"{name}{suffix}"
        for name in ("curves", "angles", "densities")
        for suffix in (".csv", ".png", ".svg")
    }
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == reports | {
        "training.json",
        "checkpoint.npz",
        "traces/epoch-02.npz",
    }
    record = TrainingDocument.read(out / "training.json")
    with (out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["held_out_accuracy"]) for row in rows] == [
        row.held_out_accuracy for row in record.epochs
    ]
    assert run("check", str(out / "training.json"), str(out / "traces" / "epoch-02.npz"))[0] == 0
    drawn = (out / "curves.png").read_bytes()
    assert run("plot", str(out / "training.json"), "--out", str(tmp_path / "again"))[0] == 0
    assert (tmp_path / "again" / "curves.png").read_bytes() == drawn
    assert run(*SMALL, "--out", str(out))[2] == (
        f"--out must be a folder without a checkpoint.npz, got {out}: --resume continues its "
        f"run, another --out starts a new one\n"
    )
    changed = run(
        *SMALL,
        "--epochs",
        "3",
        "--held-out",
        "0.2",
        "--batch",
        "300",
        "--out",
        str(out),
        "--resume",
    )
    assert changed == (
        2,
        "",
        (
            f"{out / 'checkpoint.npz'}: checkpoint must be of the same run, got trace_every 2 "
            f"then, 0 "
            f"now; samples 4 then, 0 now\n"
        ),
    )


def test_resume_needs_a_run(run: Run, tmp_path: Path) -> None:
    assert run(*SMALL, "--out", str(tmp_path), "--resume") == (
        2,
        "",
        f"--resume must find a run in --out, got no checkpoint.npz in {tmp_path}\n",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_keeps_its_epochs(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    """In the middle of what is measured after the second epoch, which is lost."""
    measure = training_run.TrainingRun._measure_angles
    before = signal.getsignal(number)

    def interrupted(self: training_run.TrainingRun, epoch: int) -> None:
        if epoch == 2:
            os.kill(os.getpid(), number)
        measure(self, epoch)

    monkeypatch.setattr(training_run.TrainingRun, "_measure_angles", interrupted)
    code, out, err = run(*SMALL, "--epochs", "3", "--out", str(tmp_path / "run"))
    assert (code, out) == (130, "")
    assert err.splitlines()[2:] == [
        f"1 of 3 epochs are kept in {tmp_path / 'run'}: --resume continues",
        "interrupted",
    ]
    assert len(TrainingDocument.read(tmp_path / "run" / "training.json").epochs) == 1
    assert not (tmp_path / "run" / LOCK).exists()
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    code, _, err = run(*SMALL, "--epochs", "3", "--out", str(tmp_path / "run"), "--resume")
    assert (code, err.splitlines()[0]) == (0, STARTED.format("3 epochs (1 made before)"))


def test_a_hangup_that_is_ignored_stays_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = training_run.TrainingRun._measure_angles

    def hung_up(self: training_run.TrainingRun, epoch: int) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        measure(self, epoch)

    monkeypatch.setattr(training_run.TrainingRun, "_measure_angles", hung_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(*SMALL)[0] == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_folder_that_another_run_writes_is_refused(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    refused = (2, "", f"--out must be a folder that no other run is writing, got {out}\n")
    with RunFolder(out, 1).held(resume=False):
        assert run(*SMALL, "--out", str(out)) == refused
        with (
            pytest.raises(InputError, match="no other run is writing"),
            RunFolder(out, 1).held(resume=False),
        ):
            pytest.fail("two runs hold one folder")
        assert [path.name for path in out.iterdir()] == [LOCK]
    assert not out.exists()
    out.mkdir()
    (out / LOCK).touch()  # of a run that was killed
    assert run(*SMALL, "--out", str(out))[0] == 0
    assert not (out / LOCK).exists()
    with RunFolder(out, 1).held(resume=True):
        assert run(*SMALL, "--out", str(out), "--resume") == refused
    with (
        pytest.raises(InputError, match=r"^--out must be a folder without a checkpoint\.npz"),
        RunFolder(out, 1).held(resume=False),
    ):
        pytest.fail("a run that ended since the folder was opened is lost")


def test_without_locks_nobody_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with RunFolder(tmp_path / "run", 1).held(resume=False):
        assert run(*SMALL, "--out", str(tmp_path / "run"))[0] == 0


@pytest.mark.parametrize(
    ("writer", "said"),
    [
        ((np, "savez"), "{}/checkpoint.npz: No space left on device"),
        ((np, "savez_compressed"), "{}/traces/epoch-01.npz: No space left on device"),
        ((Path, "write_text"), "{}/training.json: No space left on device"),
        (
            (Figure, "savefig"),
            "--out must be a folder that can be written, got {}: No space left on device",
        ),
    ],
)
def test_a_full_disk_is_said_of_the_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writer: tuple[object, str], said: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # what write() raises names no file

    monkeypatch.setattr(*writer, full)
    code, out, err = run(*SMALL, "--trace-every", "1", "--out", str(tmp_path / "run"))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == said.format(tmp_path / "run")


def test_training_that_diverges_keeps_what_it_had(run: Run, tmp_path: Path) -> None:
    code, _, err = run(
        "train",
        "mnist-fc",
        "--batch",
        "479",
        "--learning-rate",
        "1e30",
        "--epochs",
        "9",
        "--out",
        str(tmp_path / "run"),
    )
    assert code == 2
    assert re.search(
        r"^training diverged: loss 2\.\d+ -> \S+; lower --learning-rate \(1e\+30\)$",
        err,
        re.MULTILINE,
    )


def test_a_loss_that_exploded_is_told_and_the_files_are_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trainer, "EXPLODED", 1e-3)  # any loss is more than that of the first step
    code, _, err = run(*SMALL, "--out", str(tmp_path / "run"))
    assert code == 2
    assert err.splitlines()[-1].startswith("training diverged: loss ")
    assert (tmp_path / "run" / "training.json").is_file()


@pytest.mark.check
def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """SIGKILL in the middle of an epoch, then --resume on other threads and from elsewhere: every
    file has the bytes of an uninterrupted run's.
    """
    command = [
        sys.executable,
        "-m",
        "accelsim",
        "train",
        "digits-fc",
        "--rule",
        "dfa",
        "--epochs",
        "4",
        "--batch",
        "4",
        "--schedule",
        "cosine",
    ]
    command += ["--trace-every", "1", "--samples", "2", "--formats", "weight=bf16"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    def finish(folder: Path, *further: str) -> None:
        subprocess.run(
            [*command, *further], cwd=folder, env=environment, check=True, capture_output=True
        )

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    finish(whole, "--out", "run")
    process = subprocess.Popen(
        [*command, "--out", "run"],
        cwd=killed,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1 of 4"):
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stderr.close()
    assert (
        1 <= len(TrainingDocument.read(killed / "run" / "training.json").epochs) < 4
    )  # a busy computer may be through another epoch before the signal comes
    assert not (killed / "run" / "curves.png").exists()
    finish(tmp_path, "--resume", "--threads", "1", f"--out={killed / 'run'}")
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(killed) for path in killed.rglob("*") if path.is_file())
    assert len(files) == 2 + 9 + 4
    assert [
        str(path) for path in files if (whole / path).read_bytes() != (killed / path).read_bytes()
    ] == []
