"""Faults of pins, which only a workload shows, stand where the pin is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.errors import InputError
from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine, place_of

REFUSED = (
    "mapping.pins: op must be one whose loops can be tiled, got fc2.WG, which has only its "
    "canonical mapping"
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A machine with pins of which the third is the first that matches fc2.WG, and one that is
    built on it.
    """
    own, derived = tmp_path / "own.yaml", tmp_path / "derived.yaml"
    own.write_text(
        "name: own\nbase: near-memory\nmapping:\n  pins:\n  - {op: conv*}\n  - {op: fc2.FF}\n  - "
        "{op: fc2.*G}\n  - {op: '*2.*G'}\n"
    )
    derived.write_text("name: derived\nbase: own.yaml\nclock: 1GHz\n")
    return own, derived


def test_the_place_of_a_key(files: tuple[Path, Path]) -> None:
    own, derived = files
    for path in files:
        place = place_of(path, ("mapping", "pins", 2, "op"))
        assert place is not None
        assert (place.source, place.line, place.column, place.text) == (str(own), 7, 10, "fc2.*G")
    clock = place_of(derived, ("clock",))
    assert clock is not None
    assert (clock.source, clock.line) == (str(derived), 3)
    assert place_of(own, ("pe_array", "index_bits")) is None
    rows = place_of("near-memory", ("pe_array", "rows"))
    assert rows is not None
    assert Path(rows.source).name == "near-memory.yaml"


def test_a_fault_of_a_pin_has_its_place(files: tuple[Path, Path]) -> None:
    own, derived = files
    for given in files:
        with pytest.raises(InputError) as caught:
            simulate("mnist-fc", given, trace="dense", passes=("WG",))
        assert str(caught.value) == f"{own}:7:5: {REFUSED}"
    with pytest.raises(InputError) as caught:
        compare("mnist-fc", ["near-memory", derived], ["bp"], trace="dense", passes=("WG",))
    assert str(caught.value) == f"{own}:7:5: {REFUSED}"


def test_a_machine_in_memory_has_no_places(files: tuple[Path, Path]) -> None:
    with pytest.raises(InputError) as caught:
        simulate("mnist-fc", load_machine(files[0]), trace="dense", passes=("WG",))
    assert str(caught.value) == REFUSED
