"""The waterfall of the headline: its past, today's states, and its files on made-up costs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.studies.headline.waterfall.causes import (
    CAUSES,
    HEADLINES,
    STEPS,
    TODAY,
    Cost,
    Costs,
    Step,
    past,
    past_causes,
    past_costs,
    waterfalls,
)
from accelsim.studies.headline.waterfall.figure import write_figure
from accelsim.studies.headline.waterfall.measure import measure
from accelsim.studies.headline.waterfall.report import section, table
from accelsim.workload.loading import load_network

ORDER = {"old": "", "a": "sums", "b": "other words", "c": "groups", "d": "other words"}


def made_up() -> Costs:
    """Cycles of the rules fall by a tenth of those of BP with each state; energies stay."""
    return {
        state: {step: Cost(100 if step.rule == "bp" else 90 - 10 * place, 2.0) for step in STEPS}
        for place, state in enumerate(ORDER)
    }


def test_every_past_state_has_every_step_with_its_command() -> None:
    rows = past()
    for costs in past_costs(rows).values():
        assert tuple(costs) == STEPS
    for row in rows:
        assert row["command"] == (
            f"accelsim simulate {row['workload']} --arch {row['machine']} --rule {row['rule']} "
            f"--batch {row['batch']} --json"
        )


def test_every_cause_has_a_state() -> None:
    causes = list((past_causes(past()) | TODAY).values())
    assert causes[0] == ""
    assert set(causes[1:]) == set(CAUSES)


def test_the_last_state_is_the_default() -> None:
    step = Step("mnist-fc", "von-neumann", "bp", 2)
    network, found = load_network(step.workload), measure(step)
    assert tuple(found) == tuple(TODAY)
    shipped = simulate(network, load_machine(step.machine), batch=2)
    assert found["mapped"] == Cost(int(shipped.cycles), shipped.energy_pj)
    plain = simulate(
        network, load_machine(step.machine, {"fusion": "none"}), batch=2, objective="canonical"
    )
    assert found["canonical"] == Cost(int(plain.cycles), plain.energy_pj)


def test_places_alone_keep_canonical_mappings() -> None:
    """The search finds mappings for one step and no other places, and both for another."""
    found = measure(Step("mnist-conv", "near-memory", "bp", 2))
    assert found["placed"] == found["fused"]
    found = measure(Step("mnist-conv", "near-memory", "dfa", 32))
    delays = [each.cycles * each.energy_pj for each in found.values()]
    assert delays == sorted(set(delays), reverse=True)


def test_changes_of_a_cause_add_up() -> None:
    found = waterfalls(made_up(), ORDER)
    assert len(found) == sum(len(each.costs) for each in HEADLINES)
    cycles, energy = found[0], found[-1]
    assert (cycles.first, cycles.last) == (0.9, 0.5)
    assert cycles.changes["other words"] == pytest.approx(-0.2)
    assert cycles.changes["sums"] == pytest.approx(-0.1)
    assert (energy.first, sum(energy.changes.values())) == (1.0, 0.0)
    for each in found:
        assert each.first + sum(each.changes.values()) == pytest.approx(each.last)


def test_page_and_table() -> None:
    costs = made_up()
    text = "\n".join(section(waterfalls(costs, ORDER), past(), "make headline"))
    run = "| VGG16, near-memory, `dfa`, batch 32 | cycles |"
    assert f"{run} 0.900 | -0.100 | -0.100 | 0 | -0.200 |" in text
    rows = list(csv.DictReader(io.StringIO(table(costs, ORDER))))
    assert len(rows) == len(ORDER) * len(STEPS)
    assert (rows[1]["state"], rows[1]["rule"], rows[1]["cycles"]) == ("old", "dfa", "90")


def test_equal_figures_have_equal_bytes(tmp_path: Path) -> None:
    found = waterfalls(made_up(), ORDER)
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
        assert write_figure(found, folder) == ["waterfall.png", "waterfall.svg"]
    for name in ("waterfall.png", "waterfall.svg"):
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two
