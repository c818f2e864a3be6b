"""Commands that train: `accelsim train` and `accelsim trace`. Options are judged before anything is
read.
"""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.cli import delivery, options
from accelsim.cli.arguments import (
    Data,
    Json,
    LearningRate,
    Network,
    Samples,
    Seed,
    TrainingBatch,
    TrainingOptimizer,
    TrainingRule,
)
from accelsim.errors import InputError

if TYPE_CHECKING:
    from accelsim.cli.training_files import RunFolder
    from accelsim.training.run import RunSpec, TrainingRun
    from accelsim.workload.network import Network as NetworkSpec

LARGEST_WIDTH = 16.0


def trace(
    network: Network,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="T.npz", help="The trace to write.", show_default=False
        ),
    ],
    rule: TrainingRule = "bp",
    data: Data = None,
    steps: Annotated[
        str,
        typer.Option("--steps", metavar="N", help="Training steps before the one that is traced."),
    ] = "200",
    batch: TrainingBatch = "32",
    samples: Samples = "4",
    learning_rate: LearningRate = None,
    optimizer: TrainingOptimizer = None,
    seed: Seed = "0",
) -> None:
    """Train, and record where zeros are.

    NETWORK is trained with real data in accelsim's own reference implementation; the trace holds
    the zeros of its next step. Its input must fit the images, and it must have at least as many
    outputs as the data has classes. Recurrent networks are trained on text: --data must then be the
    folder of WikiText-2, and tensors of the trace are (time steps, samples, channels).
    """
    counts = {
        "steps": options.whole("--steps", steps, 0),
        "batch": options.whole("--batch", batch, 1, options.LARGEST_BATCH),
        "samples": options.whole("--samples", samples, 1),
        "seed": options.whole("--seed", seed, 0),
    }
    if counts["samples"] > counts["batch"]:
        raise InputError(
            f"--samples must be at most the --batch of {counts['batch']}, got {samples}"
        )
    rate = None if learning_rate is None else options.positive("--learning-rate", learning_rate)
    if optimizer is not None:
        options.one_of("--optimizer", optimizer, options.OPTIMIZERS)
    if output.suffix != ".npz":
        raise InputError(f"--output must be a file that ends in .npz, got {output}")
    folder = options.named_folder("--data", data)
    from accelsim.cli.progress import bar
    from accelsim.report.files import staged
    from accelsim.rules.registry import RULES, check_rule, parse_rule
    from accelsim.training.tracing import train_and_trace
    from accelsim.workload.loading import load_network

    chosen, workload = parse_rule(rule), load_network(network)
    if RULES[chosen.name].steps:
        raise InputError(
            f"--rule must be one whose steps are of one family, got {chosen.name}: trace bp and "
            f"revised, each by itself"
        )
    usual_optimizer, usual_rate = _usual(workload)
    check_rule(workload, chosen, optimizer or usual_optimizer)
    with bar() as progress:
        made, losses = train_and_trace(
            workload,
            chosen,
            folder,
            **counts,
            learning_rate=rate or usual_rate,
            optimizer_name=optimizer or usual_optimizer,
            command=_command(),
            progress=lambda done, of, loss: progress(done, of, f"loss {loss:.3f}"),
        )
    with staged(output.absolute().parent) as scratch:
        made.write(scratch / output.name)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; wrote {output}", file=sys.stderr)


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM, of job schedulers, and SIGHUP, of terminals that go, raise KeyboardInterrupt while
    the block runs.
    """
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [
        number for number in known if signal.getsignal(number) is signal.SIG_DFL
    ]  # nohup has the latter ignored

    def end(*_: object) -> None:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)  # a second one would cut the end short
        raise KeyboardInterrupt

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@_ended_like_ctrl_c()
def train(
    network: Network,
    rule: TrainingRule = "bp",
    data: Data = None,
    epochs: Annotated[
        str, typer.Option("--epochs", metavar="E", help="Times that every training sample is seen.")
    ] = "1",
    width: Annotated[
        str,
        typer.Option(
            "--width", metavar="X", help="Channels of hidden layers, as a multiple of NETWORK's."
        ),
    ] = "1.0",
    vocabulary: Annotated[
        str | None,
        typer.Option(
            "--vocabulary",
            metavar="N",
            help="Different words of a text, the others counting as one; by default NETWORK's.",
        ),
    ] = None,
    batch: TrainingBatch = "32",
    learning_rate: LearningRate = None,
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule", metavar="S", help="constant, or cosine: falls to zero over the epochs."
        ),
    ] = "constant",
    optimizer: TrainingOptimizer = None,
    weight_decay: Annotated[
        str,
        typer.Option(
            "--weight-decay", metavar="X", help="Multiple of each weight added to its gradient."
        ),
    ] = "0",
    augment: Annotated[
        bool, typer.Option("--augment", help="Random crops and flips of photographs.")
    ] = False,
    held_out: Annotated[
        str,
        typer.Option(
            "--held-out",
            metavar="F",
            help="Fraction of the training set to score instead of training on it.",
        ),
    ] = "0",
    formats: Annotated[
        str,
        typer.Option(
            "--formats",
            metavar="LIST",
            help="Formats that tensors are stored in, as weight=bf16,activation=fp16,error=e5m2: "
            "fp32 (the default), fp16, bf16, e4m3, e5m2.",
            show_default=False,
        ),
    ] = "",
    trace_every: Annotated[
        str,
        typer.Option(
            "--trace-every", metavar="N", help="Epochs between traces of zeros; 0 for none."
        ),
    ] = "0",
    samples: Samples = "4",
    seed: Seed = "0",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for a checkpoint after every epoch, curves, plots and traces.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on from the checkpoint in --out, to the same end as without a stop.",
        ),
    ] = False,
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N",
            help="Threads to compute with; by default one a core. Results do not depend on it.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a network with a learning rule.

    NETWORK is trained with real data in accelsim's own reference implementation; loss, accuracy and
    the angles between the rule's weight gradients and backpropagation's are measured after every
    epoch. The same options and seed give the same numbers, whatever the threads.
    """
    faults = options.Faults()
    count = faults.take(lambda: options.whole("--epochs", epochs, 1), 1)
    scale = faults.take(lambda: options.positive("--width", width, LARGEST_WIDTH), 1.0)
    words = (
        None
        if vocabulary is None
        else faults.take(lambda: options.whole("--vocabulary", vocabulary, 2), None)
    )
    size = faults.take(
        lambda: options.whole("--batch", batch, 1, options.LARGEST_BATCH), options.LARGEST_BATCH
    )
    rate = (
        None
        if learning_rate is None
        else faults.take(lambda: options.positive("--learning-rate", learning_rate), 1.0)
    )
    faults.take(lambda: options.one_of("--schedule", schedule, options.RATE_SCHEDULES), schedule)
    if optimizer is not None:
        faults.take(lambda: options.one_of("--optimizer", optimizer, options.OPTIMIZERS), optimizer)
    decay = faults.take(lambda: options.not_negative("--weight-decay", weight_decay), 0.0)
    kept_away = faults.take(lambda: options.fraction("--held-out", held_out), 0.0)
    stored: dict[str, str] = faults.take(lambda: options.storage_formats("--formats", formats), {})
    every = faults.take(lambda: options.whole("--trace-every", trace_every, 0), 0)
    kept = faults.take(lambda: options.whole("--samples", samples, 1), 1)
    faults.check(
        not every or kept <= size, f"--samples must be at most the --batch of {size}, got {samples}"
    )
    number = faults.take(lambda: options.whole("--seed", seed, 0), 0)
    workers = (
        None if threads is None else faults.take(lambda: options.whole("--threads", threads, 1), 1)
    )
    place = faults.take(lambda: options.named_folder("--data", data), None)
    target = faults.take(lambda: delivery.folder(out), None)
    faults.check(
        not resume or out is not None, "--resume must come with --out, the folder of the run"
    )
    from accelsim.rules.registry import RULES, check_rule, parse_rule
    from accelsim.workload.loading import load_network
    from accelsim.workload.resize import resized

    chosen = faults.take(lambda: parse_rule(rule), None)
    read = faults.take(lambda: load_network(network), None)
    workload = None if read is None else faults.take(lambda: resized(read, scale, words), None)
    if workload is not None and chosen is not None:
        updated_by = optimizer if optimizer in options.OPTIMIZERS else _usual(workload)[0]
        faults.take(lambda: check_rule(workload, chosen, updated_by), None)
    if every and chosen is not None and RULES[chosen.name].steps:
        families = "whose steps are of two families: trace bp and revised, each by itself"
        faults.check(
            False, f"--trace-every must be left out with {chosen.name}, {families}, got {every}"
        )
    if target is not None:
        from accelsim.cli.training_files import RunFolder

        kept_in = faults.take(lambda: RunFolder.opened(target, resume, count), None)
    else:
        kept_in = None
    faults.refuse()
    assert chosen is not None
    assert workload is not None
    from accelsim.numerics.formats import StorageFormats
    from accelsim.training.run import RunSpec, TrainingRun, published_task
    from accelsim.training.trainer import Recipe

    if workers is not None:
        _use_threads(workers)
    usual_optimizer, usual_rate = _usual(workload)
    recipe = Recipe(
        count, rate or usual_rate, schedule, optimizer or usual_optimizer, decay, number
    )
    spec = RunSpec(
        recipe, size, augment, kept_away, StorageFormats(**stored), trace_every=every, samples=kept
    )
    with nullcontext() if kept_in is None else kept_in.held(resume):
        run = TrainingRun(workload, chosen, spec, published_task(workload, spec, place), _command())
        if kept_in is not None and resume:
            run.resume(kept_in.checkpoint)
        _train(run, spec, kept_in)
        document = run.record.to_json()
        if kept_in is not None:
            kept_in.finish(run)
    delivery.show(document, as_json, _print_tables)
    if kept_in is not None:
        print(
            f"wrote {kept_in.path / 'training.json'}, tables, plots and checkpoint", file=sys.stderr
        )


def _usual(workload: NetworkSpec) -> tuple[str, float]:
    """Optimizer and learning rate for who names none: Adam for text, as Han et al. 2020 take it."""
    return ("adam", 0.002) if workload.vocabulary else ("momentum", 0.003)


def _train(run: TrainingRun, spec: RunSpec, folder: RunFolder | None) -> None:
    """Every epoch that is left, each kept as it ends."""
    from accelsim.cli.progress import epochs
    from accelsim.report.training import scores

    network, total = run.trainer.network, spec.recipe.epochs
    unit, per_step = (
        ("words", spec.batch * network.time_steps) if network.vocabulary else ("images", spec.batch)
    )
    if not run.done:
        _announce(run, unit)
    kept = run.trainer.epochs_done
    try:
        with epochs(total, unit, per_step) as progress:
            while not run.done:
                progress.begin(run.trainer.epochs_done + 1)
                run.epoch(progress.step, None if folder is None else folder.keep_trace)
                if folder is not None:
                    folder.keep(run)
                    kept = run.trainer.epochs_done
                progress.end(scores(run.record.epochs[-1]))
    except KeyboardInterrupt:
        if folder is not None and kept:
            print(
                f"{kept} of {total} epochs are kept in {folder.path}: --resume goes on",
                file=sys.stderr,
            )
        raise


def _announce(run: TrainingRun, unit: str) -> None:
    """One line on stderr: what is trained, on how much, and how."""
    from accelsim.training.tasks import ImageTask, TextTask

    task, recipe, begun = run.trainer.task, run.spec.recipe, run.trainer.epochs_done
    assert isinstance(task, ImageTask | TextTask)
    trained_on = task.dataset.training if isinstance(task, TextTask) else task.dataset.images
    words = [
        (
            f"training {run.trainer.network.name} with {run.trainer.rule} on {task.name}: "
            f"{len(trained_on):,} {unit}"
        ),
        f"{task.steps_per_epoch:,} step{'s' * (task.steps_per_epoch != 1)} an epoch",
        (
            f"{recipe.epochs} "
            f"epoch{'s' * (recipe.epochs != 1)}{f' ({begun} made before)' if begun else ''}"
        ),
        f"learning rate {recipe.learning_rate:g}",
        recipe.optimizer,
        f"{recipe.schedule} schedule",
    ]
    print(", ".join(words), file=sys.stderr, flush=True)


def _print_tables(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.training import parse, print_training

    print_training(parse(document), console.stdout())


def _use_threads(number: int) -> None:
    import numba

    most: int = getattr(numba.config, "NUMBA_NUM_THREADS")  # noqa: B009  # set while numba starts: types do not know it
    if number > most:
        raise InputError(
            f"--threads must be at most {most}, the cores of this computer, got {number}"
        )
    numba.set_num_threads(number)


def _command() -> str:
    """The command line, without what changes nothing of what it makes: --out, --threads and
    --resume.
    """
    words, given = ["accelsim"], iter(sys.argv[1:])
    for word in given:
        if word in ("--out", "--threads"):
            next(given, None)
        elif word != "--resume" and not word.startswith(("--out=", "--threads=")):
            words.append(word)
    return shlex.join(words)
