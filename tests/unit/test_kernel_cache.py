"""Where compiled kernels are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from accelsim.kernels import jit as kernels

RUN = (
    "import numpy as np; from accelsim.kernels.bits import bitmaps; "
    "print(bitmaps.popcounts(np.array([[7]], np.uint64))[0])"
)


def run(root: Path, **environment: str) -> str:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "TMPDIR")
    }
    return subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=root,
        env={**clean, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what choosing a folder does to this process."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", numba.config.CACHE_DIR)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")


@pytest.mark.usefixtures("untouched")
def test_the_folder_is_the_users_and_named_after_the_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels._choose_cache()
    folder = (
        tmp_path
        / "accelsim"
        / f"accelsim-kernels-{kernels._source_key(Path(kernels.__file__).parent)}"
    )
    assert os.environ["NUMBA_CACHE_DIR"] == numba.config.CACHE_DIR == str(folder)
    assert folder.is_dir()


def test_the_key_changes_with_a_source_and_with_a_name(tmp_path: Path) -> None:
    keys = []
    for name, text in (("a.py", "1"), ("a.py", "2"), ("b.py", "2")):
        folder = tmp_path / str(len(keys))
        folder.mkdir()
        (folder / name).write_text(text)
        keys.append(kernels._source_key(folder))
    assert len(set(keys)) == 3


@pytest.mark.usefixtures("untouched")
def test_a_folder_that_the_user_chose_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert kernels._choose_cache()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path)


@pytest.mark.usefixtures("untouched")
def test_a_folder_inherited_from_another_version_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "accelsim-kernels-0123456789abcdef"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels._choose_cache()
    assert os.environ["NUMBA_CACHE_DIR"].startswith(str(tmp_path / "accelsim"))


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    assert kernels._usable(folder)
    folder.chmod(0o777)
    assert not kernels._usable(folder)


def test_nowhere_to_write_means_no_cache_but_working_kernels(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert run(root, XDG_CACHE_HOME=str(blocked), TMPDIR=str(tmp_path)) == "3"
    assert any((tmp_path / f"accelsim-{os.getuid()}").rglob("*.nbi"))
    assert run(root, NUMBA_CACHE_DIR=str(blocked / "deeper")) == "3"


@pytest.mark.usefixtures("untouched")
def test_without_any_folder_nothing_is_cached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setattr(kernels, "_candidates", lambda _key: [blocked / "deeper"])
    assert not kernels._choose_cache()
