"""Signals that end a training run as Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM (from job schedulers) and SIGHUP (from terminals that close) raise KeyboardInterrupt
    while the block runs.
    """
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # Under nohup, SIGHUP stays ignored.
    taken = [number for number in known if signal.getsignal(number) is signal.SIG_DFL]

    def end(*_: object) -> None:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)  # a second signal would interrupt the shutdown
        raise KeyboardInterrupt

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
