"""The epochs of a training run, with progress on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelsim.cli.commands.training.run_folder import RunFolder
    from accelsim.training.run import RunSpec, TrainingRun


def train_epochs(run: TrainingRun, spec: RunSpec, folder: RunFolder | None) -> None:
    """Train the remaining epochs; the state after each is written to ``folder``."""
    from accelsim.cli.progress import epochs
    from accelsim.report.training import scores

    network, total = run.trainer.network, spec.recipe.epochs
    unit, per_step = (
        ("words", spec.batch * network.time_steps) if network.vocabulary else ("images", spec.batch)
    )
    if not run.done:
        _announce(run, unit)
    epochs_kept = run.trainer.epochs_done
    try:
        with epochs(total, unit, per_step) as progress:
            while not run.done:
                progress.begin(run.trainer.epochs_done + 1)
                run.epoch(progress.step, None if folder is None else folder.keep_trace)
                if folder is not None:
                    folder.keep(run)
                    epochs_kept = run.trainer.epochs_done
                progress.end(scores(run.record.epochs[-1]))
    except KeyboardInterrupt:
        if folder is not None and epochs_kept:
            print(
                f"{epochs_kept} of {total} epochs are kept in {folder.path}: --resume continues",
                file=sys.stderr,
            )
        raise


def _announce(run: TrainingRun, unit: str) -> None:
    """Print one line on stderr: the network, the amount of data and the learning rule."""
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
