"""Faults of the user's input, and the exception that carries them to the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with an input, with its place: ``file:line:col: message``.

    ``line`` and ``column`` count from 1; 0 means that the input has no such place (a command-line
    option, a binary file).
    """

    source: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.message}" if place else self.message


class InputError(Exception):
    """The input is wrong: every fault found, in the order of the file. The command line prints one
    line a fault, exit 2.
    """

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = tuple(f if isinstance(f, Fault) else Fault("", 0, 0, f) for f in faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class LawViolation(AssertionError):
    """A conservation law of the simulation does not hold: a defect of accelsim, never of the user's
    input.
    """
