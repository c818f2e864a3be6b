"""The list of worst ops: its measures against counts by hand, and its form."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.pe.registry import pe_kind
from accelsim.studies.validation.worst_ops import checks, runs
from accelsim.studies.validation.worst_ops.measures import Plans, measured, words_used
from tests.reference_networks import Builder


def test_a_layer_whose_words_fit_is_sent_nothing_twice() -> None:
    """A layer of 2 inputs and 3 outputs on 4 PEs that stream weights: both words of the input go to
    the 3 PEs that have an output, and 6 weights to one PE each.
    """
    network = Builder("tiny", (1, 1, 2)).add("fc", 3).network()
    machine = load_machine(
        "von-neumann", {"pe_array.rows": 4, "pe_array.cols": 1, "pe_array.lanes": 1}
    )
    watch = Plans()
    result = simulate(network, machine, batch=1, trace="dense", observers=[watch])
    plan = watch.plans["fc0.FF"]
    assert words_used(plan, pe_kind(machine)) == 3 * 2 + 6
    (row,) = (
        row
        for row in measured("tiny", "bp", machine, result, watch.plans)
        if row.op.name == "fc0.FF"
    )
    assert row.received_per_used == 1.0
    assert row.cycles_per_mac == row.op.cycles * 4 / 6
    assert row.pj_per_mac == pytest.approx(row.op.energy_pj / 6)


def test_the_list_has_reasons_and_starts_with_the_worst() -> None:
    few = patch.multiple(
        runs, NETWORKS=("mnist-fc",), RULES=("bp", "ssdfa"), MACHINES=("near-memory",)
    )
    with few:
        rows = checks.checks()
    *ops, refused = rows
    assert refused.measured == 0
    for measure in checks.MEASURES:
        listed = [row.measured for row in ops if row.quantity == measure.name]
        assert listed == sorted(listed, reverse=True)
        assert 0 < len(listed) <= checks.WORST
    assert all("%" in row.note for row in ops)
