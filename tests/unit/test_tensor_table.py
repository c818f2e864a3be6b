"""Where tensors are held, and why their words cross the DRAM bus."""

from __future__ import annotations

import pytest

from accelsim.experiment.assemble import tensors
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.report.runs import Runs
from accelsim.report.tables.tensors import tensors_table
from accelsim.results.laws import violations
from accelsim.results.op import TensorTotals
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.sim.program import Program
from accelsim.zeros.masks import MaskSource
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import dram_of

NETWORK = Builder("one", (4, 4, 3)).conv(4).add("batch_norm").add("fc", 3).network()
"""Weights: 4 x 3 x 9 = 108 and 3 x 64 = 192 words. Batch norm: 2 x 4 words. The maps of conv0 and
of batch norm have 64 words, the input 48.
"""


def held(architecture: Machine, rule: str = "bp", warm: bool = True) -> dict[str, TensorTotals]:
    """The tensors of a step with momentum, by name."""
    step = lower(NETWORK, rule, 1, "momentum")
    program = Program(step, architecture, dram_of(architecture), warm=warm)
    return {tensor.name: tensor for tensor in tensors(program.run(MaskSource(None, NETWORK, 1)))}


def test_places_and_copies() -> None:
    # On 2 x 3 PEs, the 4 channels of conv0 have one home each, and the 3 of fc a copy in the spare
    # PEs.
    found = held(machine())
    places = {name: (each.place, each.copies, each.spilled_words) for name, each in found.items()}
    assert places["conv0.weight"] == ("scratchpads", 1, 0)
    assert places["fc2.weight"] == ("scratchpads", 2, 0)
    assert places["fc2.momentum"] == ("scratchpads", 1, 0)
    assert places["fc2.gradient"] == ("scratchpads", 1, 0)
    assert places["batch_norm1.weight"] == ("global_buffer", 1, 0)
    assert places["conv0.out"] == ("global_buffer", 1, 0)
    assert places["input"] == ("dram", 1, 0)
    assert found["conv0.weight"].bytes == 2 * 108
    moved = {name: dict(each.words_by_cause) for name, each in found.items() if each.words_by_cause}
    # FF and WG read the input, and the loss reads the label.
    assert moved == {"input": {"operand": 96}, "labels": {"operand": 1}}


def test_a_map_without_room_is_in_dram() -> None:
    # Staging takes 2 x 128 B of the buffer, and nothing else fits in the 2 B left.
    small = {"global_buffer__capacity": "258B", "global_buffer__staging": "128B"}
    found = held(machine(**small))
    assert found["conv0.out"].place == "dram"
    assert found["batch_norm1.weight"].place == "dram"
    # Written once, and read twice by the FF of batch norm: statistics, then normalization.
    assert found["conv0.out"].words_by_cause == {"output": 64, "operand": 128}
    # Momentum of batch norm is read and written by WU, its parameters by FF and EP also.
    assert found["batch_norm1.momentum"].words_by_cause == {"operand": 8, "output": 8}


def test_spilled_words_are_those_without_room() -> None:
    # 100 B beside the working space of a PE hold a channel of conv0, 27 words of 2 B, but none of
    # fc, 64 words.
    found = held(machine(scratchpad__capacity="2212B", scratchpad__working="2112B"))
    kept, spilled = found["conv0.weight"], found["fc2.weight"]
    assert (kept.place, kept.spilled_words, kept.words_by_cause) == ("scratchpads", 0, {})
    assert (spilled.place, spilled.spilled_words) == ("dram", 192)
    # FF and EP read the weights; the update reads and writes them.
    assert spilled.words_by_cause == {"spill": 4 * 192}


def test_generated_feedback_has_no_place() -> None:
    found = held(machine(near_memory__feedback="prng"), "dfa")
    feedback = [each for each in found.values() if each.role == "feedback"]
    assert feedback
    assert all(each.place == "generated" and not each.words_by_cause for each in feedback)


def test_a_first_step_loads_what_stays() -> None:
    found = held(machine(), warm=False)
    loaded = {
        name: each.words_by_cause["load"]
        for name, each in found.items()
        if "load" in each.words_by_cause
    }
    assert loaded == {
        "conv0.weight": 108,
        "fc2.weight": 192,
        "batch_norm1.weight": 8,
        "conv0.momentum": 108,
        "fc2.momentum": 192,
        "batch_norm1.momentum": 8,
    }


@pytest.mark.parametrize("rule", ["bp", "ssdfa", "hdfa"])
@pytest.mark.parametrize("arch", ["near-memory", "von-neumann"])
def test_the_table_has_every_word_of_the_dram(rule: str, arch: str) -> None:
    result = simulate("mnist-fc", rule=rule, machine=arch, trace="random:0.5")
    table = tensors_table(Runs.of([result]))
    keys = [column.key for column in table.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in table.rows]
    for step in result.steps or ():
        words = step.result.words.dram
        of_step = [row for row in rows if row["step_kind"] == step.kind]
        assert sum(row["dram_words"] for row in of_step) == words
    if not result.steps:
        assert sum(row["dram_words"] for row in rows) == result.words.dram
    for row in rows:
        by_cause = sum(value for key, value in row.items() if key.endswith("_words"))
        assert by_cause == 2 * row["dram_words"] + row["spilled_words"]


def test_a_word_without_tensor_breaks_a_law() -> None:
    document = simulate("mnist-fc", trace="random:0.5").to_json()
    document["tensors"][0]["words_by_cause"] = {"operand": 1}
    (line,) = violations(Result.parse(document))
    assert line.startswith("words.dram = sum of tensors' words_by_cause")
