"""Errors of a plug-in's code as faults with its own file and line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from accelsim.errors import Fault, InputError

_SHOWN: dict[str, str] = {}
"""Absolute paths of plug-ins' files, and of folders of installed packages, to their names in
faults. An empty name: the path is shown in full.
"""


def watch(path: Path, shown: str = "") -> None:
    """Attribute errors of code in that file or folder to a plug-in."""
    _SHOWN[str(path.absolute())] = shown


def fault_of(error: BaseException) -> Fault | None:
    """``drtp.py:12: NameError: name 'x' is not defined``: the last line of a plug-in that the error
    passed through. None where it passed through no plug-in.
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
    """The name of a plug-in's file in faults; nothing for other files."""
    for watched, shown in _SHOWN.items():
        if file == watched:
            return shown or file
        if file.startswith((f"{watched}/", f"{watched}\\")):
            return file
    return ""


@contextmanager
def plugin_errors_told() -> Iterator[None]:
    """Errors of plug-ins' code become an InputError of one line. Others pass, and so do InputErrors
    that plug-ins raise, and a reader of stdout that went away.
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
