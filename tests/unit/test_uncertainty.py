"""Intervals of energies: Monte Carlo against closed forms, and the correlation of ratios."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.config import catalog
from accelsim.config.loader import load_model, validate_document
from accelsim.config.source import parse_document
from accelsim.cost import uncertainty
from accelsim.cost.energy import EnergyTable
from accelsim.cost.price import UNKNOWN, Price, PricePart, bound_faults
from accelsim.cost.technology_file import TechnologyFile
from accelsim.dram.energies import EnergyEvent
from accelsim.dram.prices import dram_prices
from accelsim.dram.standard import DramSpec
from accelsim.errors import InputError
from accelsim.experiment.tables import machine_tables
from accelsim.machine.loading import load_machine
from accelsim.results.comparison import Comparison, ratio_intervals
from accelsim.results.result import Result

SRAM = PricePart("t/sram", 2.0, (0.5, 2.0), True)
WIRE = PricePart("t/wire", 1.0, (0.25, 4.0), False)


def price(action: str, *parts: PricePart) -> Price:
    return Price.of("noc", action, sum(part.pj for part in parts), "a source", parts)


def samples(counts: dict[str, int], *prices: Price, n: int = 20_000, seed: int = 0) -> Any:
    return uncertainty.total(uncertainty.energy_samples(counts, prices, n, seed))


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return accelsim.compare("mnist-fc", "near-memory", "bp,dfa,hdfa", trace="random:0.5")


def test_one_primitive_has_the_quantiles_of_its_log_uniform_draw() -> None:
    energy = samples({"noc.hop": 7}, price("hop", SRAM))
    for share in (0.05, 0.25, 0.5, 0.95):
        exact = 14 * 0.5 * 4**share
        assert np.quantile(energy, share) == pytest.approx(exact, rel=0.02)
    assert uncertainty.interval(energy) == pytest.approx(
        (14 * 0.5 * 4**0.05, 14 * 2 * 4**-0.05), rel=0.02
    )


def test_the_mean_of_several_primitives_is_the_sum_of_theirs() -> None:
    """The mean of a log-uniform factor is (high - low) / log(high / low)."""
    energy = samples({"noc.hop": 3, "noc.skip": 5}, price("hop", SRAM, WIRE), price("skip", WIRE))
    sram, wire = 1.5 / math.log(4), 3.75 / math.log(16)
    exact = 3 * 2 * sram + (3 + 5) * wire
    assert float(energy.mean()) == pytest.approx(exact, rel=0.02)


def test_actions_of_one_primitive_move_together() -> None:
    """The sum of two actions of one primitive is as wide as one action of twice its price."""
    both = samples({"noc.a": 1, "noc.b": 1}, price("a", WIRE), price("b", WIRE))
    assert np.array_equal(both, samples({"noc.a": 2}, price("a", WIRE)))
    apart = price("c", PricePart("t/other", 1.0, WIRE.factors, False))
    less = samples({"noc.a": 1, "noc.c": 1}, price("a", WIRE), apart)
    assert np.ptp(np.quantile(less, (0.05, 0.95))) < np.ptp(np.quantile(both, (0.05, 0.95)))


def test_a_draw_depends_on_name_and_seed_alone() -> None:
    one, again = (uncertainty.draw("t/sram", 50, 3) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, uncertainty.draw("t/wire", 50, 3))
    assert not np.array_equal(one, uncertainty.draw("t/sram", 50, 4))


def test_a_price_without_parts_is_not_drawn() -> None:
    energy = samples({"noc.hop": 3}, Price("noc", "hop", 2.0, "old", True), n=10)
    assert np.array_equal(energy, np.full(10, 6.0))


@pytest.mark.parametrize("arch", catalog.names("arch"))
@pytest.mark.parametrize("technology", catalog.names("technology"))
def test_parts_add_up_to_every_price(arch: str, technology: str) -> None:
    machine = load_machine(arch, {"technology": technology})
    tables = machine_tables(machine)
    table = EnergyTable.build(machine, tables.technology, dram_prices(tables.dram))
    for each in table.provenance():
        assert sum(part.pj for part in each.parts) == pytest.approx(each.pj, rel=1e-12, abs=0)
        assert each.low <= each.pj * (1 + 1e-9)
        assert each.high >= each.pj * (1 - 1e-9)
        for part in each.parts:
            low, high = part.factors
            assert low <= 1 <= high
            assert part.verified or (low <= UNKNOWN[0] * 1.001 and high >= UNKNOWN[1] * 0.999)


def test_parts_reproduce_the_energy_of_a_run(compared: Comparison) -> None:
    for result in compared.results:
        nominal: dict[str, float] = dict.fromkeys(result.energy_by_component_pj, 0.0)
        for each in result.sources():
            times = result.actions.get(f"{each.component}.{each.action}", 0)
            component = uncertainty.result_component(each.component)
            nominal[component] += times * sum(part.pj for part in each.parts)
        for name, pj in result.energy_by_component_pj.items():
            assert nominal[name] == pytest.approx(pj, rel=1e-12)
        assert math.fsum(nominal.values()) == pytest.approx(result.energy_pj, rel=1e-12)


def single(scale: int) -> Result:
    """A run whose energy is all of one primitive."""
    run = accelsim.simulate("mnist-fc", trace="random:0.5", samples=0)
    (source, *_) = (each for each in run.energy_sources if len(each.parts) == 1)
    document = run.to_json()
    document |= {
        "actions": {f"{source.component}.{source.action}": scale},
        "energy_sources": [source.to_json()],
        "energy_pj": scale * source.pj,
        "energy_by_component_pj": {source.component: scale * source.pj},
    }
    return Result.parse(document).with_intervals(2000, 0)


def test_the_ratio_of_two_runs_of_one_primitive_is_exact() -> None:
    one, two = single(1000), single(400)
    low, high = one.energy_interval_pj or (0.0, 0.0)
    assert high > 1.2 * low
    assert ratio_intervals(two, one)["energy_pj"] == (0.4, 0.4)


def test_ratios_are_narrower_than_energies(compared: Comparison) -> None:
    base, dfa = compared.results[:2]
    low, high = compared.ratio_intervals["dfa"]["energy_pj"]
    assert low <= compared.ratios["dfa"]["energy_pj"] <= high
    assert base.energy_interval_pj is not None
    assert dfa.energy_interval_pj is not None
    assert high / low < 1.01 < base.energy_interval_pj[1] / base.energy_interval_pj[0]
    assert set(compared.ratio_intervals["dfa"]) == {"energy_pj", "edp"}


def test_runs_of_one_comparison_and_apart_have_the_same_intervals(compared: Comparison) -> None:
    alone = accelsim.simulate("mnist-fc", rule="dfa", trace="random:0.5")
    assert alone.energy_interval_pj == compared.results[1].energy_interval_pj
    assert ratio_intervals(alone, compared.results[0]) == compared.ratio_intervals["dfa"]


def test_samples_change_intervals_alone(compared: Comparison) -> None:
    base = compared.results[0].to_json()
    for changes in ({"samples": 0}, {"samples": 500}, {"sample_seed": 9}):
        other = accelsim.simulate("mnist-fc", trace="random:0.5", **changes).to_json()  # type: ignore[arg-type]  # mypy: of any field
        assert {key for key in base if base[key] != other[key]} == {
            "energy_interval_pj",
            "energy_interval_by_component_pj",
            *changes,
        }
    assert other["energy_interval_pj"] != base["energy_interval_pj"]
    none = accelsim.compare("mnist-fc", "near-memory", "bp,dfa", trace="dense", samples=0)
    assert (none.samples, none.ratio_intervals) == (0, {})
    assert none.results[0].energy_interval_pj is None


def test_intervals_of_three_rules_take_a_fraction_of_a_second(compared: Comparison) -> None:
    uncertainty.draw.cache_clear()
    uncertainty._factor.cache_clear()
    start = time.perf_counter()
    again = [result.with_intervals(2000, 0) for result in compared.results]
    assert compared.labels is not None
    made = Comparison.of(again, compared.labels)
    assert time.perf_counter() - start < 0.3
    assert made == compared


def test_any_number_of_threads_gives_the_same_bytes(compared: Comparison) -> None:
    code = (
        "import accelsim, json; print(json.dumps(accelsim.simulate('mnist-fc', trace='random:0.5')"
        ".to_json()['energy_interval_by_component_pj']))"
    )
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "7")
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | threads,
        capture_output=True,
        text=True,
        check=True,
    )
    base = compared.results[0].to_json()
    assert json.loads(run.stdout) == json.loads(json.dumps(base["energy_interval_by_component_pj"]))


# Rules of the bounds


@pytest.mark.parametrize(
    ("low", "high", "verified", "keys"),
    [
        (None, None, False, []),
        (0.3, 3.1, False, []),
        (0.5, 3.1, False, ["low"]),
        (0.3, 2.0, False, ["high"]),
        (0.9, 1.0, True, []),
        (1.1, 0.9, True, ["low", "high"]),
    ],
)
def test_rules_of_bounds(
    low: float | None, high: float | None, verified: bool, keys: list[str]
) -> None:
    assert [key for key, _, _ in bound_faults(1.0, low, high, verified)] == keys


def faults(text: str, model: type[Any] = TechnologyFile) -> list[str]:
    """Messages of the faults of a YAML text."""
    try:
        validate_document(parse_document(text), model)
    except InputError as error:
        return [fault.message for fault in error.faults]
    return []


def technology(number: str, verified: str = "false") -> str:
    """A technology of one entry."""
    return f"""name: own
node: 45
sram: {{table: t.csv, source: a program, verified: true}}
entries:
  - {{component: noc, action: bit_mm, {number}, node: 45, source: a table, verified: {verified}}}
"""


def test_a_number_without_a_source_is_off_by_three_at_least() -> None:
    bounds = "energy: 0.3pJ, low: 0.2pJ, high: 0.8pJ"
    assert faults(technology("energy: 0.3pJ, low: 0.1pJ, high: 0.9pJ")) == []
    assert faults(technology(bounds)) == [
        "entries[0].low must be <= 0.1, a third of a number that is not verified, got 0.2pJ",
        "entries[0].high must be >= 0.9, three times a number that is not verified, got 0.8pJ",
    ]
    assert faults(technology(bounds, "true")) == []


def test_bounds_contain_the_number() -> None:
    assert faults(technology("energy: 0.3pJ, low: 0.4pJ, high: 0.2pJ", "true")) == [
        "entries[0].low must be <= the nominal 0.3, got 0.4pJ",
        "entries[0].high must be >= the nominal 0.3, got 0.2pJ",
    ]


def test_bounds_have_the_unit_of_their_number() -> None:
    assert faults(technology("energy: 0.3pJ, low: 50fJ, high: 1nJ")) == []
    assert faults(technology("energy: 0.3pJ, low: 0.1mW")) == [
        "entries[0].low must be a number with a unit of fJ, pJ, nJ, got 0.1mW"
    ]
    assert faults(technology("area_mm2: 0.3, low: 0.1")) == [
        "entries[0].low must be left out where area_mm2 is given, got 0.1"
    ]


def test_dram_events_have_the_same_rules() -> None:
    assert faults("{pj: 3, low: 2, high: 4, verified: false}", EnergyEvent) == [
        "low must be <= 1, a third of a number that is not verified, got 2",
        "high must be >= 9, three times a number that is not verified, got 4",
    ]


@pytest.mark.parametrize("name", catalog.names("dram"))
def test_bursts_pins_and_background_of_a_standard_are_a_draw_each(name: str) -> None:
    spec = load_model(catalog.find("dram", name), DramSpec)
    primitives = {part.primitive for each in dram_prices(spec) for part in each.parts}
    assert primitives == {f"{spec.name}/{draw}" for draw in ("burst", "io", "background")}
