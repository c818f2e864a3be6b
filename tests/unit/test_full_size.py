"""The published networks at full size under the rules with fixed feedback: in seconds, whatever the
size of their matrices.
"""

from __future__ import annotations

import json

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.results.laws import violations
from accelsim.results.result import Result

MACHINES = ("near-memory", "von-neumann", "systolic-32x32")


def simulated(workload: str, machine: str, rule: str) -> Result:
    """A step on random zeros that obeys the laws."""
    result = simulate(workload, machine, rule=rule, trace="random:0.5", batch=1)
    assert violations(Result.parse(json.loads(json.dumps(result.to_json())))) == []
    return result


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("rule", ["fa", "bdfa", "conv-dfa", "dilated", "frozen"])
@pytest.mark.parametrize(
    "workload", ["vgg16-cifar10", pytest.param("resnet18-cifar10", marks=pytest.mark.check)]
)
def test_rules_run_everywhere(workload: str, rule: str, machine: str) -> None:
    result = simulated(workload, machine, rule)
    propagated = [op for op in result.ops if op.pass_ == "EP" and op.kind != "vector"]
    assert bool(propagated) is (rule != "frozen")
    if machine == "near-memory":
        assert sum(op.words.remote for op in propagated) == 0, "fixed feedback is not transposed"


@pytest.mark.parametrize(
    "machine",
    [MACHINES[0], *(pytest.param(each, marks=pytest.mark.check) for each in MACHINES[1:])],
)
def test_matrices_between_whole_maps_need_more_than_32_bits(machine: str) -> None:
    """VGG16's modular links: 2^31 words at conv1_2, 4,609,545,216 in all; they cross the DRAM bus
    and fill more than it has.
    """
    result = simulated("vgg16-cifar10", machine, "modular")
    feedback = {
        op.layer: op.macs.dense for op in result.ops if op.pass_ == "EP" and op.kind == "feedback"
    }
    assert feedback["conv1_2"] == (32 * 32 * 64) * (16 * 16 * 128) == 2**31
    words = sum(feedback.values())
    assert result.accountings["weights-once"]["EP"] == {"bytes": 2 * words, "ops": 2 * words}
    assert sum(op.bytes.dram_read for op in result.ops if op.pass_ == "EP") > 2 * words * 0.99
    assert any("addresses wrap around" in note for note in result.notes)
