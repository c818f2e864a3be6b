"""Declaration of kernels, and the cache of their compiled code.

`jit`, `inlined_jit` and `parallel_jit` are the only ways to declare a kernel. They cache compiled
code on disk, in a folder named after a hash of this package's sources. numba's own cache does not
notice a change of a callee in another file and would keep returning old results. A user's
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
"""``module.function`` of every kernel declared so far. Each has a plain twin in tests/naive."""

_PREFIX = "accelsim-kernels-"
"""Prefix of our folders. If NUMBA_CACHE_DIR has it, a parent process, perhaps of another version,
set it.
"""


def _source_key(folder: Path) -> str:
    """Hash of the kernel sources (names and content) and of numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(folder.rglob("*.py")):
        digest.update(str(source.relative_to(folder)).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _candidates(key: str) -> Iterator[Path]:
    """Folders for compiled code, best first: the user's cache, then a user's folder among temporary
    files.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    with contextlib.suppress(RuntimeError):  # no home directory at all
        yield (Path(home) if home else Path.home() / ".cache") / "accelsim" / f"{_PREFIX}{key}"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"accelsim-{user}" / f"{_PREFIX}{key}"


def _usable(folder: Path) -> bool:
    """Whether the folder is writeable, and only by this user."""
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
    """Point numba's cache at our folder, unless the user chose one. Returns False if no folder is
    writeable.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen and not Path(chosen).name.startswith(_PREFIX):
        return True
    for folder in _candidates(_source_key(Path(__file__).parent)):
        if _usable(folder):
            # Both are needed: the variable for numba's own reloads and for child processes, the
            # attribute in case numba was imported before this module.
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            config: Any = numba.config
            config.CACHE_DIR = str(folder)
            return True
    return False


def _is_new(folder: str | None) -> bool:
    """Whether the folder holds no compiled kernel. numba makes a subfolder per folder of kernels,
    with an index file per function.
    """
    return not folder or next(Path(folder).glob("*/*.nbi"), None) is None


_CACHE = _choose_cache()
CACHE_IS_NEW = _is_new(os.environ.get("NUMBA_CACHE_DIR"))
"""Whether this process must compile every kernel that it uses, which takes the better part of a
minute.
"""


class _FirstCompilation(Listener):
    def __init__(self, told: Callable[[], None]) -> None:
        self._told: Callable[[], None] | None = told

    def on_start(self, event: Any) -> None:
        if self._told is not None:
            told, self._told = self._told, None
            told()

    def on_end(self, event: Any) -> None:
        """Nothing to do."""


@contextlib.contextmanager
def before_first_compilation(told: Callable[[], None]) -> Iterator[None]:
    """Call ``told`` before the first function inside the block that is compiled, not loaded from
    the cache.
    """
    with install_listener("numba:compile", _FirstCompilation(told)):
        yield


def _declare(function: F, **options: Any) -> F:
    module = function.__module__.removeprefix("accelsim.kernels.")
    DECLARED.append(f"{module}.{function.__name__}")
    try:
        return cast("F", numba.njit(cache=_CACHE, nogil=True, **options)(function))
    except RuntimeError:  # the user's NUMBA_CACHE_DIR is not writeable
        return cast("F", numba.njit(nogil=True, **options)(function))


def jit(function: F) -> F:
    """Compile a kernel on first use. The kernel releases the GIL."""
    return _declare(function)


def inlined_jit(function: F) -> F:
    """Like `jit`, but inlined into its callers.

    For kernels with many arrays that are called for every event, because numba counts a reference
    per array of a call.
    """
    return _declare(function, inline="always")


def lean_jit(function: F) -> F:
    """Like `jit`, without reference counts, for kernels that run for every DRAM burst and allocate
    nothing: with them such a kernel takes ten times as long. The caller keeps the arrays alive.
    """
    return _declare(function, _nrt=False)


def parallel_jit(function: F) -> F:
    """Like `jit`, with numba's threads in `prange` loops. Iterations must write to disjoint
    places.
    """
    return _declare(function, parallel=True)
