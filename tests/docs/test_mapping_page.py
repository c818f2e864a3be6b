"""The machine of the page on mapping keeps its pins, and its table has every field."""

from __future__ import annotations

import re
from pathlib import Path

from accelsim.experiment.simulate import simulate
from accelsim.machine.mapping_choice import Pin
from accelsim.results.op import TilingFields
from accelsim.results.result import Result

PAGE = (Path(__file__).resolve().parents[2] / "docs/mapping.md").read_text(encoding="utf-8")


def test_the_machine_of_the_page_is_right_and_keeps_its_pins(tmp_path: Path) -> None:
    block, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "pinned.yaml"
    path.write_text(block)
    result = simulate("cifar10-conv", path, rule="bp", batch=4)
    assert isinstance(result, Result)
    tilings = {op.name: op.mapping.tiling for op in result.ops if op.mapping}
    assert (tilings["conv1.FF"].order, tilings["conv1.FF"].together) == ("positions", 16)
    assert {tilings[f"conv{layer}.WG"].channel_pes for layer in (1, 2, 3)} == {64}


def test_the_page_has_every_field_of_a_tiling() -> None:
    fields = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert fields == set(TilingFields.field_names()) == set(Pin.model_fields) - {"op"}
