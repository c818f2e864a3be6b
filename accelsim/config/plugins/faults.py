"""Errors of a plug-in's code, reported as faults with the file and line of that code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from accelsim.errors import Fault, InputError

_SHOWN: dict[str, str] = {}
"""Names in faults, by the absolute path of a plug-in's file or of the folder of an installed
package. For an empty name, the fault shows the full path.
"""


def watch(path: Path, shown: str = "") -> None:
    """Report errors of code in that file or folder as errors of a plug-in. ``shown``: the file's
    name in faults.
    """
    _SHOWN[str(path.absolute())] = shown


def fault_of(error: BaseException) -> Fault | None:
    """The fault at the last line of a plug-in that the error passed through, such as ``drtp.py:12:
    NameError: name 'x' is not defined``; None when it passed through no plug-in.
    """
    message = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    if isinstance(error, SyntaxError):
        shown = _shown(error.filename or "")
        if shown:
            text = f"{type(error).__name__}: {error.msg}"
            return Fault(shown, error.lineno or 1, 0, text)
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    for file, line in reversed(lines):
        shown = _shown(file)
        if shown:
            return Fault(shown, line, 0, message)
    return None


def _shown(file: str) -> str:
    """The name of a plug-in's file in faults; ``""`` for other files."""
    for watched, shown in _SHOWN.items():
        if file == watched:
            return shown or file
        if file.startswith((f"{watched}/", f"{watched}\\")):
            return file
    return ""


@contextmanager
def plugin_errors_told() -> Iterator[None]:
    """Turn errors of plug-ins' code into an InputError of one line.

    Other errors pass unchanged: InputErrors that plug-ins raise, errors outside plug-ins, and
    BrokenPipeError of a closed stdout.
    """
    try:
        yield
    except (InputError, BrokenPipeError):
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        raise InputError(fault) from error
