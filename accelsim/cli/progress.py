"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, and a word where
kernels must be compiled first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

Progress = Callable[[int, int, str], None]
"""(done, of, what): called by long work as it gets on."""

SECONDS = 10.0
"""Between lines of progress where there is no terminal."""
COMPILING = "compiling kernels (once)"


@contextmanager
def bar() -> Iterator[Progress]:
    """A callback that shows progress while the block runs."""
    with (
        _compiling_told(),
        _terminal_bar() if sys.stderr.isatty() else nullcontext(_lines()) as progress,
    ):
        yield progress


@dataclass
class Epochs:
    """Progress of a training run of ``total`` epochs. ``unit``: what its data are made of,
    ``per_step`` of them a training step.
    """

    total: int
    unit: str
    per_step: int
    bar: Progress | None
    """Shows the steps of an epoch; None where only finished epochs are told."""
    say: Callable[[str], None]
    """Prints a line on stderr."""
    epoch: int = 0
    began: float = 0.0
    rate: str = ""

    def begin(self, epoch: int) -> None:
        """The clock of an epoch starts."""
        self.epoch, self.began, self.rate = epoch, time.monotonic(), ""

    def step(self, done: int, of: int, loss: float, accuracy: float) -> None:
        """After every training step: mean loss and accuracy of the epoch so far."""
        seconds = time.monotonic() - self.began
        self.rate = f", {done * self.per_step / seconds:,.0f} {self.unit}/s" if seconds > 0 else ""
        if self.bar is not None:
            self.bar(
                done,
                of,
                f"epoch {self.epoch} of {self.total}, loss {loss:.3f}, accuracy "
                f"{accuracy:.1%}{self.rate}",
            )

    def end(self, scores: str) -> None:
        """One line for the epoch that ended."""
        self.say(f"epoch {self.epoch} of {self.total}: {scores}{self.rate}")


@contextmanager
def epochs(total: int, unit: str, per_step: int) -> Iterator[Epochs]:
    """Progress of a training run while the block runs: a bar on a terminal, and a line an epoch
    everywhere.
    """
    with _compiling_told():
        if sys.stderr.isatty():
            with _terminal_bar() as progress:
                yield Epochs(total, unit, per_step, progress, _plain)
        else:
            yield Epochs(total, unit, per_step, None, _plain)


def _plain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _lines() -> Progress:
    last = time.monotonic()

    def show(done: int, of: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS:
            last = now
            print(f"{what}: {done} of {of}", file=sys.stderr, flush=True)

    return show


@contextmanager
def _terminal_bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("starting", total=None)
        yield lambda done, of, what: shown.update(task, completed=done, total=of, description=what)


@contextmanager
def _compiling_told() -> Iterator[None]:
    """Say once that kernels are compiled, when the first is and no earlier run has left any: that
    takes a minute in which nothing else is seen.
    """
    from accelsim.kernels import jit as kernels

    if not kernels.CACHE_IS_NEW:
        yield
        return
    with kernels.before_first_compilation(lambda: print(COMPILING, file=sys.stderr, flush=True)):
        yield
