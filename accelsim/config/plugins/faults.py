"""Errors of a plug-in's code, reported as faults with the file and line of that code."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import FrameType

from accelsim.errors import Fault, InputError

_SHOWN: dict[str, str] = {}
"""Names in faults, by the absolute path of a plug-in's file or of the folder of an installed
package. For an empty name, the fault shows the full path.
"""


_OWN_CODE = Path(__file__).parents[2]

_USED: dict[str, None] = {}
"""Names in faults of the plug-ins that the current command has used so far."""


def watch(path: Path, shown: str = "") -> None:
    """Report errors of code in that file or folder, which the current command uses, as errors of a
    plug-in. ``shown``: the file's name in faults.
    """
    _SHOWN[str(path.absolute())] = shown
    _USED[shown or str(path)] = None


def fault_of(error: BaseException) -> Fault | None:
    """The fault at the last line of a plug-in that the error passed through, such as ``drtp.py:12:
    NameError: name 'x' is not defined``; None when it passed through no plug-in.
    """
    message = _message(error)
    if isinstance(error, SyntaxError):
        shown = _shown(error.filename or "")
        if shown:
            text = f"{type(error).__name__}: {error.msg}"
            return Fault(shown, error.lineno or 1, 0, text)
    for frame, line in reversed([*walk_tb(error.__traceback__)]):
        shown = _shown(frame.f_code.co_filename)
        if shown:
            return Fault(shown, line, 0, message)
    # SimPy raises a new error for a failed process, chained to the one from the plug-in.
    return None if error.__cause__ is None else fault_of(error.__cause__)


def fault_at_load(error: BaseException, shown: str) -> Fault:
    """The fault of an error while a plug-in's file is loaded, at its line; the file ``shown`` alone
    where the error has no line, as for text that is not Python.
    """
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return fault_of(error) or Fault(shown, 0, 0, _message(error, text))


def _message(error: BaseException, text: str | None = None) -> str:
    """The type and ``text`` of an error on one line, such as ``NameError: name 'x' is not
    defined``.
    """
    words = str(error) if text is None else text
    return f"{type(error).__name__}: {' '.join(words.split())}".rstrip(": ")


_OF_CODE = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)


def _later_fault(error: Exception) -> Fault | None:
    """The fault for an error in accelsim's own code after a plug-in's code ran; the most likely
    cause is a value that the plug-in returned. None if no plug-in's code ran, and for errors with
    other causes.
    """
    if not _USED or not isinstance(error, _OF_CODE) or isinstance(error, UnicodeError):
        return None
    # Python's import system, which raises an ImportError, has no files.
    places = [each for each in walk_tb(error.__traceback__) if _in_file(each[0])]
    *_, (frame, line) = places
    path = Path(frame.f_code.co_filename)
    if _OWN_CODE in path.parents or "site-packages" in path.parts:
        met = "in accelsim on a value that code of the plug-in returned"
    else:
        met = f"at {'/'.join(path.parts[-3:])}:{line}, after code of the plug-in had run"
    message = f"{_message(error)}, {met}"
    return Fault(", ".join(_USED), 0, 0, message)


def _in_file(frame: FrameType) -> bool:
    return not frame.f_code.co_filename.startswith("<")


def _shown(file: str) -> str:
    """The name of a plug-in's file in faults; ``""`` for other files."""
    for watched, shown in list(_SHOWN.items()):  # another thread may add some
        if file == watched:
            return shown or file
        if file.startswith((f"{watched}/", f"{watched}\\")):
            return file
    return ""


@contextmanager
def plugin_errors_told() -> Iterator[None]:
    """Turn errors of plug-ins' code, and of accelsim's code on values that it returned, into an
    InputError of one line.

    Other errors pass unchanged: InputErrors that plug-ins raise, errors with other causes, and
    those of a closed stdout. ``sys.exit`` in a plug-in's code is an error of this code.
    """
    _USED.clear()
    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:
        fault = fault_of(error)
        if isinstance(error, Exception):
            fault = fault or _later_fault(error)
        if fault is None or (isinstance(error, BrokenPipeError | SystemExit) and _unread()):
            raise
        raise InputError(fault) from error


def _unread() -> bool:
    """True if the reader of stdout went away."""
    try:
        sys.stdout.flush()  # fails again where the output is still buffered
        poll = select.poll()
        poll.register(sys.stdout, 0)
        return bool(poll.poll(0))  # an error or a hang-up: no other event is asked for
    except BrokenPipeError:
        return True
    except (AttributeError, OSError, ValueError):  # no poll on Windows, no file in a notebook
        return False
