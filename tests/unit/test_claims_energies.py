"""Intervals of the audit's energies: the draws of a comparison, by scope."""

from __future__ import annotations

import numpy as np
import pytest

import accelsim
from accelsim.results.comparison import ratio_intervals
from accelsim.results.result import Result
from accelsim.studies.papers.claims.costs import SCOPES
from accelsim.studies.papers.claims.energies import PassActions, drawn_energies, gain_interval


def run(rule: str) -> tuple[Result, PassActions]:
    actions = PassActions()
    result = accelsim.simulate(
        "mnist-fc", rule=rule, trace="random:0.5", samples=500, observers=(actions,)
    )
    return result, actions


@pytest.fixture(scope="module")
def runs() -> dict[str, tuple[Result, PassActions]]:
    return {rule: run(rule) for rule in ("bp", "dfa", "hdfa")}


@pytest.mark.parametrize("rule", ["bp", "dfa", "hdfa"])
def test_actions_of_a_pass_cost_its_energy(
    runs: dict[str, tuple[Result, PassActions]], rule: str
) -> None:
    result, actions = runs[rule]
    prices = {f"{each.component}.{each.action}": each.pj for each in result.sources()}
    weights = [step.weight for step in result.steps] or [1.0]
    for name, totals in result.passes.items():
        energy = sum(
            weight * times * prices[".".join(action)]
            for weight, kind in zip(weights, actions.kinds, strict=True)
            for action, times in kind.get(name, ())
        )
        assert energy == pytest.approx(totals.energy_pj, rel=1e-9)


def test_a_step_has_the_interval_of_the_comparison(
    runs: dict[str, tuple[Result, PassActions]],
) -> None:
    old, new = (drawn_energies(*runs[rule], SCOPES) for rule in ("bp", "hdfa"))
    low, high = ratio_intervals(runs["hdfa"][0], runs["bp"][0])["energy_pj"]
    saved = gain_interval(old, new, "step", "%")
    assert saved == pytest.approx((100 * (1 - high), 100 * (1 - low)), rel=1e-4)
    assert gain_interval(old, new, "step", "x") == pytest.approx((1 / high, 1 / low), rel=1e-2)


def test_ratios_keep_the_correlation_of_the_prices(
    runs: dict[str, tuple[Result, PassActions]],
) -> None:
    energies = drawn_energies(*runs["bp"], SCOPES)
    assert gain_interval(energies, energies, "EP", "%") == (0.0, 0.0)
    assert np.ptp(energies["EP"]) > 0
    assert gain_interval(None, energies, "EP", "%") is None
    nothing = {scope: np.zeros(500) for scope in SCOPES}
    assert gain_interval(nothing, energies, "EP", "x") is None
