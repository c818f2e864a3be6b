"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, and a word where kernels must be compiled first."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

Progress = Callable[[int, int, str], None]
"""(done, of, what): called by long work as it gets on."""

SECONDS = 10.0
"""Between lines of progress where there is no terminal."""
COMPILING = "compiling kernels (once)"


@contextmanager
def bar() -> Iterator[Progress]:
    """A callback that shows progress while the block runs."""
    with _compiling_told(), _terminal_bar() if sys.stderr.isatty() else nullcontext(_lines()) as progress:
        yield progress


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

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("starting", total=None)
        yield lambda done, of, what: shown.update(task, completed=done, total=of, description=what)


@contextmanager
def _compiling_told() -> Iterator[None]:
    """Say once that kernels are compiled, when the first is and no earlier run has left any: that takes a minute in which nothing else is seen."""
    from accelsim import kernels

    if not kernels.CACHE_IS_NEW:
        yield
        return
    with kernels.before_first_compilation(lambda: print(COMPILING, file=sys.stderr, flush=True)):
        yield
