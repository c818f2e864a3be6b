"""`accelsim train`: training runs with a learning rule. Options are checked before any file is
read.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext

from accelsim.cli import delivery, values
from accelsim.cli.commands.training import options
from accelsim.cli.commands.training.epochs import train_epochs
from accelsim.cli.commands.training.interruption import ended_like_ctrl_c
from accelsim.cli.commands.training.recording import recorded_command
from accelsim.cli.given_options import GivenOptions, flag_of, with_options
from accelsim.cli.imports import with_import_options
from accelsim.cli.options import Json, Network
from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.errors import InputError
from accelsim.experiment.training_setting import TrainingSetting


@ended_like_ctrl_c()
@with_import_options("network")
@with_options(TrainingSetting)
def train(
    network: Network,
    *,
    settings: GivenOptions,
    out: options.Out = None,
    resume: options.Resume = False,
    threads: options.Threads = None,
    as_json: Json = False,
) -> None:
    """Train a network with a learning rule.

    NETWORK is trained with real data in accelsim's own reference implementation; loss, accuracy and
    the angles between the rule's weight gradients and backpropagation's are measured after every
    epoch. The same options and seed give the same numbers with any number of threads.
    """
    faults = values.Faults()
    setting = TrainingSetting(**settings.read(faults, batch=LARGEST_BATCH))
    thread_count = (
        None if threads is None else faults.take(lambda: values.whole("--threads", threads, 1), 1)
    )
    out_folder = faults.take(lambda: delivery.folder(out), None)
    faults.check(
        not resume or out is not None, "--resume must come with --out, the folder of the run"
    )
    from accelsim.experiment.train import prepared

    run_to_be = faults.take(lambda: prepared(network, setting, flag_of), None)
    folder = None
    if out_folder is not None:
        from accelsim.cli.commands.training.run_folder import RunFolder

        folder = faults.take(lambda: RunFolder.opened(out_folder, resume, setting.epochs), None)
    faults.refuse()
    assert run_to_be is not None
    if thread_count is not None:
        _use_threads(thread_count)
    with nullcontext() if folder is None else folder.held(resume):
        run = run_to_be.started(recorded_command())
        if folder is not None and resume:
            run.resume(folder.checkpoint)
        train_epochs(run, run_to_be.spec, folder)
        document = run.record.to_json()
        if folder is not None:
            folder.finish(run)
    delivery.show(document, as_json, _print_tables)
    if folder is not None:
        print(
            f"wrote {folder.path / 'training.json'}, tables, plots and checkpoint", file=sys.stderr
        )
    run.trainer.refuse_explosion()


def _print_tables(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.training import print_training
    from accelsim.results.training import TrainingDocument

    print_training(TrainingDocument.parse(document), console.stdout())


def _use_threads(number: int) -> None:
    import numba

    most: int = getattr(numba.config, "NUMBA_NUM_THREADS")  # noqa: B009  # set while numba starts: types do not know it
    if number > most:
        raise InputError(
            f"--threads must be at most {most}, the cores of this computer, got {number}"
        )
    numba.set_num_threads(number)
