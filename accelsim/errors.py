"""Faults of the user's input, and the exception that carries them to the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with an input, with its place: ``file:line:col: message``.

    ``line`` and ``column`` count from 1; 0 means that the input has no such place (a command-line
    option, a binary file), or that the column is unknown.
    """

    source: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        line, column = (f":{number}" if number else "" for number in (self.line, self.column))
        place = f"{self.source}{line}{column if line else ''}"
        return f"{place}: {self.message}" if place else self.message


class InputError(Exception):
    """The input is wrong: every fault found, in the order of the file. The command line prints one
    line per fault and exits with status 2.

    >>> import accelsim
    >>> try:
    ...     accelsim.Setting(batch=0, schedule="eager")
    ... except accelsim.InputError as error:
    ...     print(error)
    batch must be a whole number between 1 and 1048576, got 0
    schedule must be one of serial, unlocked, got eager
    """

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = tuple(f if isinstance(f, Fault) else Fault("", 0, 0, f) for f in faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def _render_traceback_(self) -> list[str]:
        """The lines that a notebook shows: the faults, without accelsim's traceback."""
        return [f"InputError: {fault}" for fault in self.faults]


class LawViolation(AssertionError):
    """A conservation law of the simulation does not hold: a defect of accelsim, never of the user's
    input.
    """
