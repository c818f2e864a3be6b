"""Suggestions are for slips and beginnings, never for another thing that looks alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.config import catalog
from accelsim.config.suggest import closest
from accelsim.errors import InputError
from accelsim.machine.loading import load_machine

LAYERS = ("conv", "fc", "batch_norm", "relu", "max_pool", "avg_pool", "add", "lstm")


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("vgg16", catalog.names("workload"), "vgg16-cifar10"),
        ("resnet", catalog.names("workload"), "resnet18-cifar10"),
        ("vgg61-cifar10", catalog.names("workload"), "vgg16-cifar10"),
        ("near-memroy", catalog.names("arch"), "near-memory"),
        ("maxpool", LAYERS, "max_pool"),
        ("concat", LAYERS, None),
        ("layer_norm", LAYERS, None),
        ("22nm", ("28nm", "45nm", "65nm"), None),
        ("ad", LAYERS, "add"),
        ("x", LAYERS, None),
    ],
)
def test_the_closest_word(word: str, known: tuple[str, ...], meant: str | None) -> None:
    assert closest(word, known) == meant


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_machine(path)
    return [fault.message for fault in refused.value.faults]


def test_a_key_in_the_wrong_mapping_is_told_its_place(tmp_path: Path) -> None:
    said = faults(tmp_path, "name: m\nbase: near-memory\nskip: {ff: both}\n")
    assert said == ["skip is not a known key; did you mean pe_array.skip?"]


def test_an_absent_section_tells_of_base(tmp_path: Path) -> None:
    said = faults(tmp_path, "name: m\nclock: 1GHz\norganization: near_memory\n")
    rule = "must be a mapping, got nothing: give it, or a machine to inherit it from, such as"
    for section in ("pe_array", "scratchpad", "global_buffer"):
        assert f"{section} {rule} base: near-memory" in said


def test_a_unit_in_wrong_letters_is_spelt(tmp_path: Path) -> None:
    said = faults(tmp_path, "name: m\nbase: near-memory\nscratchpad: {capacity: 64kb}\n")
    assert said[0].endswith("got 64kb; did you mean 64KiB or 64kB?")
    said = faults(tmp_path, "name: m\nbase: near-memory\nclock: 800mhz\n")
    assert said[0].endswith("got 800mhz; did you mean 800MHz?")
