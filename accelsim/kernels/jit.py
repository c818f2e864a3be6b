"""How kernels are declared, and where their compiled code is kept.

`jit`, `inlined_jit` and `parallel_jit` are the only ways to declare a kernel: they keep compiled
code on disk in a folder named after the sources of this package, because numba's own cache does not
notice that a callee in another file has changed and would go on returning the old number. A user's
NUMBA_CACHE_DIR is respected.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.event import Listener, install_listener

F = TypeVar("F", bound=Callable[..., Any])


DECLARED: list[str] = []
"""Names, ``module.function``, of every kernel declared so far: each has a plain twin in
tests/naive.
"""

_PREFIX = "accelsim-kernels-"
"""Folders of this name are ours: one found in NUMBA_CACHE_DIR was set by a parent process, perhaps
of another version.
"""


def _source_key(folder: Path) -> str:
    """Hash of the kernel sources, by name and content, and of numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(folder.rglob("*.py")):
        digest.update(str(source.relative_to(folder)).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _candidates(key: str) -> Iterator[Path]:
    """Where compiled code may be kept, the best place first: the user's cache, then a folder of the
    user's among temporary files.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    with contextlib.suppress(RuntimeError):  # no home directory at all
        yield (Path(home) if home else Path.home() / ".cache") / "accelsim" / f"{_PREFIX}{key}"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"accelsim-{user}" / f"{_PREFIX}{key}"


def _usable(folder: Path) -> bool:
    """Whether compiled code can be kept there and nobody else could have put it there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=folder).close()
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & 0o022
    )


def _choose_cache() -> bool:
    """Point numba's cache at our folder, unless the user chose one; False when no folder can be
    written.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen and not Path(chosen).name.startswith(_PREFIX):
        return True
    for folder in _candidates(_source_key(Path(__file__).parent)):
        if _usable(folder):
            # Both: the variable for numba's own reloads and for child processes, the attribute if
            # numba was imported before us.
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            config: Any = numba.config
            config.CACHE_DIR = str(folder)
            return True
    return False


def _is_new(folder: str | None) -> bool:
    """Whether numba has kept nothing of ours there: it makes a folder per folder of kernels, with
    an index file per function.
    """
    return not folder or next(Path(folder).glob("*/*.nbi"), None) is None


_CACHE = _choose_cache()
CACHE_IS_NEW = _is_new(os.environ.get("NUMBA_CACHE_DIR"))
"""Whether this process will have to compile every kernel that it uses, which takes the better part
of a minute.
"""


class _FirstCompilation(Listener):
    def __init__(self, told: Callable[[], None]) -> None:
        self._told: Callable[[], None] | None = told

    def on_start(self, event: Any) -> None:
        if self._told is not None:
            told, self._told = self._told, None
            told()

    def on_end(self, event: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def before_first_compilation(told: Callable[[], None]) -> Iterator[None]:
    """Call ``told`` before the first function that is compiled, not loaded, inside the block."""
    with install_listener("numba:compile", _FirstCompilation(told)):
        yield


def _declare(function: F, **options: Any) -> F:
    module = function.__module__.removeprefix("accelsim.kernels.")
    DECLARED.append(f"{module}.{function.__name__}")
    try:
        return cast("F", numba.njit(cache=_CACHE, nogil=True, **options)(function))
    except RuntimeError:  # the user's NUMBA_CACHE_DIR cannot be written
        return cast("F", numba.njit(nogil=True, **options)(function))


def jit(function: F) -> F:
    """Compile a kernel on first use; it releases the GIL."""
    return _declare(function)


def inlined_jit(function: F) -> F:
    """The same, copied into its callers: for a kernel of many arrays that is called for every
    event, because numba counts a reference to each array of a call.
    """
    return _declare(function, inline="always")


def parallel_jit(function: F) -> F:
    """The same as `jit` with numba's threads in its `prange` loops, whose iterations must write to
    disjoint places.
    """
    return _declare(function, parallel=True)
