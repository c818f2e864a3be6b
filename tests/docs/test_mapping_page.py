"""The page on mapping shows what the program prints, and its machine is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accelsim.cli.app import app
from accelsim.cli.file_kinds import faults
from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.mapping_choice import Pin
from accelsim.results.op import TilingFields
from accelsim.results.result import Result

PAGE = (Path(__file__).resolve().parents[2] / "docs/mapping.md").read_text(encoding="utf-8")


def console(start: str) -> list[str]:
    (block,) = (
        each
        for each in re.findall(r"```console.*?\n(.*?)```", PAGE, re.DOTALL)
        if each.startswith(f"$ {start}")
    )
    return block.splitlines()


def test_the_first_command_prints_what_the_page_shows() -> None:
    command, *lines = console("accelsim map cifar10-conv --arch von-neumann")
    result = CliRunner().invoke(app, command.removeprefix("$ accelsim ").split())
    assert result.exit_code == 0
    assert result.stdout.splitlines()[: len(lines)] == lines


def test_the_machine_of_the_page_is_right_and_keeps_its_pins(tmp_path: Path) -> None:
    block, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "pinned.yaml"
    path.write_text(block)
    assert faults(path) == []
    result = simulate("cifar10-conv", path, rule="bp", batch=4)
    assert isinstance(result, Result)
    tilings = {op.name: op.mapping.tiling for op in result.ops if op.mapping}
    assert (tilings["conv1.FF"].order, tilings["conv1.FF"].together) == ("positions", 16)
    assert {tilings[f"conv{layer}.WG"].channel_pes for layer in (1, 2, 3)} == {64}


def test_what_cannot_be_executed_is_refused_as_the_page_says(tmp_path: Path) -> None:
    _, *lines = console("accelsim map cifar10-conv --arch too-much.yaml")
    path = tmp_path / "too-much.yaml"
    _, block = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path.write_text(block)
    with pytest.raises(InputError) as caught:
        simulate("cifar10-conv", path, rule="bp", batch=4)
    assert [str(fault).replace(str(path), path.name) for fault in caught.value.faults] == lines


def test_the_page_has_every_field_of_a_tiling() -> None:
    fields = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert fields == set(TilingFields.field_names()) == set(Pin.model_fields) - {"op"}
