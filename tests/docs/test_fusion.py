"""The example of docs/fusion.md, recomputed."""

from __future__ import annotations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.results.result import Result
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = (
    Builder("example", (4, 4, 4))
    .add("conv", 6, kernel=(1, 1))
    .add("batch_norm")
    .add("relu")
    .add("conv", 2, kernel=(1, 1))
    .add("fc", 3)
    .network()
)
MAP, PARAMETERS, SUMS = 96, 12, 12


def run(fusion: str) -> Result:
    """A step of BP on the example."""
    return simulate(
        NETWORK, machine(fusion=fusion), rule="bp", batch=1, trace="dense", optimizer="sgd"
    )


@pytest.mark.parametrize(
    ("fusion", "words"),
    [
        ("none", (224, 3 * MAP + MAP + PARAMETERS, 3 * MAP, 128)),
        ("epilogue", (224 + SUMS, MAP + PARAMETERS + SUMS + 3 * MAP, 0, 128)),
        ("full", (224 + SUMS, 0, 0, 128 + PARAMETERS + SUMS + MAP)),
    ],
)
def test_words_of_the_global_buffer_in_ff(fusion: str, words: tuple[int, ...]) -> None:
    assert tuple(op.words.global_buffer for op in run(fusion).ops[:4]) == words


def test_operations_of_a_step() -> None:
    found = {fusion: run(fusion).vector_ops for fusion in ("none", "epilogue", "full")}
    # Full fusion: FF of the second convolution and WG make 7 + 1 operations twice, less 3 sums of
    # each; its EP and WG of the first make the normalized map again.
    again = MAP * (4 + 1 + 2 + 2)
    assert found == {"none": 1842, "epilogue": 1842, "full": 1842 + again}


def test_fused_ops_have_no_cycles_and_name_their_hosts() -> None:
    ops = {op.name: op for op in run("epilogue").ops}
    relu = ops["relu2.FF"]
    assert (relu.cycles, relu.fused_into, relu.words_saved) == (0, ("batch_norm1.FF",), 2 * MAP)
    assert relu.energy_pj > 0
    assert ops["batch_norm1.FF"].fused_into == ("conv0.FF",)
    assert ops["conv0.FF"].fused_into == ()
