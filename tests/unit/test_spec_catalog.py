"""Built-in files by name, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.config import catalog
from accelsim.config.source import Place
from accelsim.errors import InputError


def words(*arguments: object, **named: object) -> str:
    with pytest.raises(InputError) as caught:
        catalog.find(*arguments, **named)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize("kind", ["arch", "workload", "technology", "dram"])
def test_every_name_is_found(kind: catalog.FileKind) -> None:
    assert catalog.names(kind)
    for name in catalog.names(kind):
        assert catalog.find(kind, name).is_file()


def test_unknown_names_word_for_word() -> None:
    assert (
        words("workload", "vgg61-cifar10")
        == "unknown workload vgg61-cifar10; did you mean vgg16-cifar10? (accelsim list workloads)"
    )
    assert words("arch", "zzz") == "unknown machine zzz (accelsim list archs)"
    assert words("arch", "") == "unknown machine of no name (accelsim list archs)"
    assert words("dram", "lpddr4").startswith(
        "unknown dram lpddr4; did you mean lpddr4-3200? (known: "
    )
    assert (
        words("arch", "x", place=Place("f.yaml", 3, 7))
        == "f.yaml:3:7: unknown machine x (accelsim list archs)"
    )


def test_files_are_told_from_names() -> None:
    assert [
        text
        for text in ("a.yaml", "a.YML", "./a", "a.onnx", "d/a", "a.csv", "a.npz", "d\\a")
        if not catalog.is_file_name(text)
    ] == []
    assert [
        text for text in ("near-memory", "ddr4-2400", "v1.5") if catalog.is_file_name(text)
    ] == []


def test_missing_files_word_for_word(tmp_path: Path) -> None:
    assert words("arch", "none.yaml") == "none.yaml: no such file"
    assert words("arch", tmp_path) == f"{tmp_path}: must be a file, got a directory"


def test_relative_paths_start_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x")
    assert catalog.find("arch", "a.yaml", beside=tmp_path) == tmp_path / "a.yaml"
    assert (
        catalog.find("arch", str(tmp_path / "a.yaml"), beside=Path("/nowhere"))
        == tmp_path / "a.yaml"
    )


def test_a_wheel_brings_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "accelsim" / "_data" / "arch_configs"
    installed.mkdir(parents=True)
    (installed / "inside.yaml").write_text("x")
    monkeypatch.setattr(catalog, "files", lambda _: tmp_path / "accelsim")
    catalog._root.cache_clear()
    try:
        assert catalog.names("arch") == ("inside",)
        assert catalog.find("arch", "inside") == installed / "inside.yaml"
    finally:
        catalog._root.cache_clear()
