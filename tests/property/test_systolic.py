"""Every contraction of every pass on dense arrays: results and cycles of registers shifted cycle by
cycle equal those of the models.
"""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.experiment.simulate import simulate
from accelsim.kernels.dense.systolic import fold_cycles
from accelsim.machine.architecture import Machine
from accelsim.pe.row_stationary.passes import row_limits, row_mapping
from accelsim.pe.row_stationary.traffic import row_traffic
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from tests.examples import examples
from tests.naive import contractions, row_stationary, systolic
from tests.random_machines import convolutions, dense, machine
from tests.reference_networks import Builder

RULES = ["bp", "dfa", "sdfa:k=2", "fa"]
DATAFLOWS = {"os": "output_stationary", "ws": "weight_stationary", "is": "input_stationary"}


def contractions_of(network: Network, rule: str, batch: int) -> list[Contraction]:
    return [op for op in lower(network, rule, batch).ops if isinstance(op, Contraction)]


def array_cycles(network: Network, architecture: Machine, rule: str, batch: int) -> dict[str, int]:
    """Cycles of every op without stalls."""
    result = simulate(network, architecture, rule=rule, batch=batch, trace="dense")
    return {op.name: op.cycles - op.array_cycles.stall.total for op in result.ops}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Network, str, int]:
    network = draw(convolutions(1))
    rule = draw(
        st.sampled_from(
            [rule for rule in RULES if rule != "sdfa:k=2" or network.output.out_shape[2] >= 2]
        )
    )
    return network, rule, draw(st.integers(1, 2))


@settings(max_examples=examples(12), deadline=None)
@given(
    cases(),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from(sorted(DATAFLOWS)),
    st.integers(0, 99),
)
def test_shifted_registers_compute_every_op_in_its_cycles(
    case: tuple[Network, str, int], rows: int, cols: int, dataflow: str, seed: int
) -> None:
    network, rule, batch = case
    said = array_cycles(
        network,
        machine(
            "systolic",
            pe_array__rows=rows,
            pe_array__cols=cols,
            pe_array__dataflow=DATAFLOWS[dataflow],
        ),
        rule,
        batch,
    )
    rng = np.random.default_rng(seed)
    for op in contractions_of(network, rule, batch):
        cycles = 0
        for left, right, expected in contractions.matrices(op, *contractions.operands(op, rng)):
            found, took, folds = systolic.matrix_product(left, right, rows, cols, dataflow)
            assert np.array_equal(found, expected), op.name
            assert fold_cycles(len(left), right.shape[1], len(right), rows, cols, dataflow) == (
                took,
                folds,
            )
            cycles += took
        assert said[op.name] == cycles, op.name


@settings(max_examples=examples(25), deadline=None)
@given(
    cases(),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(0, 99),
    st.sampled_from([(224, 12, 24), (3, 4, 1), (9, 3, 2)]),
)
def test_rows_that_stay_compute_every_op_in_its_cycles(
    case: tuple[Network, str, int], rows: int, cols: int, seed: int, words: tuple[int, int, int]
) -> None:
    network, rule, batch = case
    registers = dict(zip(("filter_words", "input_words", "psum_words"), words, strict=True))
    architecture = machine(
        "systolic",
        pe_array__rows=rows,
        pe_array__cols=cols,
        pe_array__kind="row_stationary",
        **{f"pe_array__{key}": value for key, value in registers.items()},
    )
    said = array_cycles(network, architecture, rule, batch)
    rng = np.random.default_rng(seed)
    for op in contractions_of(network, rule, batch):
        mapping, limits = row_mapping(op, architecture, rows * cols), row_limits(architecture)
        choice = (
            mapping.down,
            mapping.across,
            mapping.e,
            mapping.r,
            mapping.t,
            mapping.p,
            mapping.q,
            mapping.n,
        )
        moving, stationary = contractions.operands(op, rng)
        moving[moving == 0] = 5
        total: Counter[str] = Counter()
        for x, w, expected in contractions.convolutions(op, moving, stationary):
            found, took, words = row_stationary.convolve(x, w, mapping.shape, choice, limits)
            assert np.array_equal(found, expected), op.name
            total.update(cycles=took, outputs=found.size, **words)
        assert said[op.name] == mapping.cycles == total["cycles"], op.name
        traffic = row_traffic(op.nest, mapping, 16, 32, limits[6])
        assert traffic.input_words == total["input_real"]
        assert traffic.input_taken == total["input_taken"]
        assert traffic.partial_sums == total["psum_in"] == total["psum_out"] - total["outputs"]
        assert traffic.chain_sums == total["climbs"]
        if rule != "sdfa:k=2" or op.kind != "feedback":
            assert traffic.filter_words == total["filter"]


@pytest.mark.parametrize("rule", ["dfa", "sdfa:k=2"])
@pytest.mark.parametrize("dataflow", [*DATAFLOWS.values(), "row_stationary"])
def test_sparse_feedback_runs_as_a_dense_matrix(dataflow: str, rule: str) -> None:
    """With 5 output errors, of which a row of B stores 2: the same cycles as dense feedback, fewer
    MACs, and the remaining cycles empty.
    """
    network = Builder("feedback", (4, 4, 2)).conv(6).add("relu").add("fc", 5).network()
    architecture = machine("systolic", **dense(dataflow))
    result = simulate(network, architecture, rule=rule, batch=3, trace="dense")
    op = next(op for op in result.ops if op.kind == "feedback")
    products, stored = 3 * 96 * 5, 3 * 96 * (5 if rule == "dfa" else 2)
    assert op.macs.executed == op.macs.dense == stored
    assert op.lane_cycles.window_empty == products - stored
    assert (
        array_cycles(network, architecture, rule, 3)[op.name]
        == array_cycles(network, architecture, "dfa", 3)[op.name]
    )


@settings(max_examples=examples(20), deadline=None)
@given(
    convolutions(2),
    st.sampled_from([*DATAFLOWS.values(), "row_stationary"]),
    st.sampled_from(["bp", "dfa", "ssdfa"]),
    st.integers(1, 2),
)
def test_every_dataflow_obeys_the_laws(
    network: Network, dataflow: str, rule: str, batch: int
) -> None:
    architecture = machine(
        "systolic",
        **dense(dataflow),
        global_buffer__capacity="4KiB",
        global_buffer__staging="512B",
    )
    document = simulate(network, architecture, rule=rule, batch=batch, trace="random:0.5").to_json()
    assert violations(Result.parse(json.loads(json.dumps(document)))) == []
