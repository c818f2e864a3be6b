"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, and a notice if
kernels must be compiled first.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

Progress = Callable[[int, int, str], None]
"""Callback (done, of, what) that long computations call as they proceed."""

SECONDS = 10.0
"""Seconds between lines of progress if stderr is not a terminal."""
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
    """Progress of a training run of ``total`` epochs. ``unit``: name of one item of the data; a
    training step takes ``per_step`` items.
    """

    total: int
    unit: str
    per_step: int
    bar: Progress | None
    """Shows the steps of an epoch; None if only finished epochs are reported."""
    say: Callable[[str], None]
    """Prints a line on stderr."""
    epoch: int = 0
    began: float = 0.0
    rate: str = ""

    def begin(self, epoch: int) -> None:
        """Start timing an epoch."""
        self.epoch, self.began, self.rate = epoch, time.monotonic(), ""

    def step(self, done: int, of: int, loss: float, accuracy: float) -> None:
        """Show the mean loss and accuracy of the epoch so far; called after every training step."""
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
        """Print one line for the finished epoch."""
        self.say(f"epoch {self.epoch} of {self.total}: {scores}{self.rate}")


@contextmanager
def epochs(total: int, unit: str, per_step: int) -> Iterator[Epochs]:
    """Progress of a training run while the block runs: a bar on a terminal, and everywhere a line
    per epoch.
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
    """Report once that kernels are being compiled, if no earlier run has cached them: compilation
    takes a minute without other output.
    """
    from accelsim.kernels import jit as kernels

    if not kernels.CACHE_IS_NEW:
        yield
        return
    with kernels.before_first_compilation(lambda: print(COMPILING, file=sys.stderr, flush=True)):
        yield
