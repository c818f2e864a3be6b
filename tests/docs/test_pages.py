"""The pages on networks and traces: their examples are valid and run; shapes, roles and families
are those of the program.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accelsim.cli.file_kinds import faults
from accelsim.config.describe import Hint, tags
from accelsim.config.registries import RULES
from accelsim.experiment.simulate import simulate
from accelsim.rules.registry import family
from accelsim.workload.file import LayerSpec
from accelsim.workload.loading import load_network
from accelsim.zeros.trace import ROLES, Trace

DOCS = Path(__file__).resolve().parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL
    )


def test_the_network_of_the_page_is_right_and_has_the_maps_it_says(tmp_path: Path) -> None:
    block, _ = blocks("workloads.md", "yaml")
    path = tmp_path / "tiny-resnet.yaml"
    path.write_text(block)
    assert faults(path) == []
    layers = {layer.name: layer for layer in load_network(path).layers}
    said = re.findall(r"\{name: (\w+), .*# (\d+) x (\d+) x (\d+)$", block, re.MULTILINE)
    assert len(said) >= 4
    for name, *extents in said:
        assert layers[name].out_shape == tuple(map(int, extents)), name
    assert simulate(path, "near-memory", rule="dfa", trace="random:0.5", batch=1).cycles > 0


def test_the_transformer_of_the_page_is_right(tmp_path: Path) -> None:
    _, block = blocks("workloads.md", "yaml")
    path = tmp_path / "one-block.yaml"
    path.write_text(block)
    assert faults(path) == []
    network = load_network(path)
    assert network.layer("sum2").out_shape == (128, 1, 64)
    rule = "dfa:granularity=block"
    assert simulate(network, "near-memory", rule=rule, trace="dense", batch=1).cycles > 0


def test_the_page_has_every_kind_of_layer() -> None:
    titles = " ".join(
        re.findall(
            r"^## `layers`, kind (.*)$",
            (DOCS / "workloads.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    assert set(re.findall(r"`(\w+)`", titles)) == set(tags(Hint.of(LayerSpec)))


@pytest.fixture
def example_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trace written by the page's example."""
    (block,) = blocks("traces.md", "python")
    assert len([line for line in block.splitlines() if line.strip()]) <= 15
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    return tmp_path / "mine.npz"


def test_the_trace_of_the_page_is_right_and_is_used(example_trace: Path) -> None:
    assert faults(example_trace) == []
    trace = Trace.read(example_trace)
    assert trace.tensors["fc1.input"].density == pytest.approx(0.2, abs=0.05)
    result = simulate("mnist-fc", "near-memory", rule="bp", trace=str(example_trace)).to_json()
    assert result["dense_tensors"] == ["fc2.error"]
    assert result["macs"]["effectual"] < 0.6 * result["macs"]["dense"]


def test_the_page_has_every_role_and_the_families_of_the_program() -> None:
    page = (DOCS / "traces.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE) == list(
        ROLES
    )
    families = [
        group.split(", ") for group in re.findall(r"\{([a-z, -]+)\}", " ".join(page.split()))
    ]
    assert families == [["bp", "bp-only"], ["fa"], ["dfa", "bdfa"], ["sdfa", "ssdfa"], ["frozen"]]
    for members in families:
        assert len({family(name) for name in members}) == 1
    together = {name: family(name) for members in families for name in members}
    assert all(family(name) == name for name in set(RULES.names()) - set(together)), (
        "every other rule is a family of its own"
    )
