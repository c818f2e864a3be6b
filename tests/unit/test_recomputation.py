"""Checkpoints and microbatches: the ops and tensors of small networks by hand, and what results
tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.errors import InputError
from accelsim.report.labels import labels
from accelsim.results.laws import violations
from accelsim.rules.registry import lower
from accelsim.step.checkpointing import checkpointed
from accelsim.step.copies import copy_suffix, runs_again
from accelsim.step.microbatches import in_microbatches
from accelsim.step.ops import Op, Pass, TrainingStep, Use, VectorWork
from accelsim.step.stash import stash_tensors
from accelsim.step.zero_sources import SamplesFrom, TraceZeros
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.random_machines import machine, trace_of
from tests.random_networks import network_of
from tests.reference_networks import Builder

CHAIN = network_of(
    {
        "name": "chain",
        "input": {"height": 1, "width": 1, "channels": 6},
        "layers": [
            {"name": "fc1", "kind": "fc", "out_features": 4},
            {"name": "relu1", "kind": "relu"},
            {"name": "fc2", "kind": "fc", "out_features": 3},
            {"name": "relu2", "kind": "relu"},
            {"name": "fc3", "kind": "fc", "out_features": 5},
            {"name": "relu3", "kind": "relu"},
            {"name": "fc4", "kind": "fc", "out_features": 2},
        ],
    }
)
MACS = {"fc1": 24, "fc2": 12, "fc3": 15, "fc4": 10}
"""MACs of FF per sample."""
IMAGES = (
    Builder("images", (8, 8, 3))
    .conv(8)
    .add("batch_norm")
    .add("relu")
    .conv(8)
    .add("batch_norm")
    .add("relu")
    .conv(8)
    .add("relu")
    .conv(8)
    .add("relu")
    .add("fc", 3)
    .network()
)
WHERE = [
    pytest.param("near_memory", "serial", id="near-memory"),
    pytest.param("von_neumann", "serial", id="von-neumann"),
    pytest.param("near_memory", "unlocked", id="near-memory-unlocked"),
]


def checkpoints(network: Network, every: int, batch: int = 4, rule: str = "bp") -> TrainingStep:
    step = lower(network, rule, batch)
    return checkpointed(step, {layer.name for layer in network.weighted}, every)


def cut(network: Network, batch: int, samples: int, rule: str = "bp") -> TrainingStep:
    return in_microbatches(lower(network, rule, samples), lower(network, rule, batch))


def named(step: TrainingStep, *names: str) -> list[str]:
    return [op.name for op in step.ops if op.name.endswith(names)]


def reads(op: Op) -> list[str]:
    return [operand.tensor.name for operand in op.operands]


def makes(op: Op) -> list[str]:
    return [tensor.name for tensor in op.outputs]


# Checkpoints


def test_a_segment_runs_again_before_the_first_op_that_reads_it() -> None:
    """Segments: fc1 and fc2, fc3 and fc4. The checkpoint is the map of relu2, with its mask. fc2 is
    not needed again: only relu2 reads its map.
    """
    step = checkpoints(CHAIN, 2)
    assert [op.name for op in step.ops] == [
        *("fc1.FF", "relu1.FF", "fc2.FF", "relu2.FF", "fc3.FF", "relu3.FF", "fc4.FF", "loss.EP"),
        *("fc4.EP", "fc4.WG", "fc4.WU", "relu3.EP", "fc3.EP", "fc3.WG", "fc3.WU", "relu2.EP"),
        *("fc1.FF.again", "relu1.FF.again"),
        *("fc2.EP", "fc2.WG", "fc2.WU", "relu1.EP", "fc1.WG", "fc1.WU"),
    ]
    assert makes(step.op("relu1.FF")) == ["relu1.out"]
    assert makes(step.op("relu2.FF")) == ["relu2.out", "relu2.mask"]
    assert reads(step.op("fc1.FF.again")) == ["input", "fc1.weight"]
    assert makes(step.op("fc1.FF.again")) == ["fc1.out.again"]
    assert makes(step.op("relu1.FF.again")) == ["relu1.out.again", "relu1.mask.again"]
    assert reads(step.op("fc2.EP")) == ["fc2.error", "fc2.weight", "relu1.mask.again"]
    assert reads(step.op("fc2.WG")) == ["relu1.out.again", "fc2.error"]
    assert reads(step.op("relu1.EP")) == ["relu1.error", "relu1.mask.again"]
    assert reads(step.op("fc1.WG")) == ["input", "fc1.error"]


def test_the_zeros_of_what_is_made_again_are_those_of_the_trace() -> None:
    operand = checkpoints(CHAIN, 2).op("fc2.WG").operands[0]
    assert (operand.use, operand.zeros) == (Use.MOVING, TraceZeros("fc2.input"))


def test_an_unlocked_schedule_cannot_run_a_segment_again_at_once() -> None:
    step = checkpoints(CHAIN, 2)
    assert step.op("fc1.FF.again").depends_on == ("relu2.EP",)
    assert step.op("relu1.FF.again").depends_on == ("fc1.FF.again", "relu2.EP")
    assert step.op("fc2.EP").depends_on == ("relu2.EP", "relu1.FF.again")
    assert step.op("fc1.WU").depends_on == ("fc1.WG", "fc1.FF", "fc1.FF.again")
    assert step.carried["fc1.FF.again"] == ("fc1.WU",)


def test_macs_of_ff_grow_by_those_that_run_again() -> None:
    once, again = (
        sum(op.dense_macs for op in step.ops if op.pass_ is Pass.FF)
        for step in (lower(CHAIN, "bp", 4), checkpoints(CHAIN, 2))
    )
    assert (once, again) == (4 * sum(MACS.values()), 4 * (sum(MACS.values()) + MACS["fc1"]))


def test_all_other_ops_are_those_of_the_step() -> None:
    for rule in ("bp", "dfa", "sdfa:k=2"):
        before, after = lower(IMAGES, rule, 2), checkpoints(IMAGES, 2, 2, rule)
        rest = [op for op in after.ops if not runs_again(op)]
        assert [op.name for op in rest] == [op.name for op in before.ops]
        assert [(op.dense_macs, op.vector_ops) for op in rest] == [
            (op.dense_macs, op.vector_ops) for op in before.ops
        ]


@pytest.mark.parametrize("every", [4, 5, 100])
def test_one_segment_runs_once(every: int) -> None:
    assert checkpoints(CHAIN, every) == lower(CHAIN, "bp", 4)


def test_one_layer_per_segment_makes_again_what_lies_within() -> None:
    """Between the checkpoints are the maps that batch norm makes and the masks behind them."""
    step = checkpoints(IMAGES, 1)
    again = named(step, ".again")
    assert again == [
        f"{name}.FF.again" for name in ("conv3", "batch_norm4", "conv0", "batch_norm1")
    ]
    assert checkpoints(CHAIN, 1) == lower(CHAIN, "bp", 4)


def test_a_map_that_a_later_segment_reads_over_a_shortcut_is_a_checkpoint() -> None:
    layers: list[dict[str, Any]] = [
        {"name": "fc1", "kind": "fc", "out_features": 4},
        {"name": "relu1", "kind": "relu"},
        {"name": "fc2", "kind": "fc", "out_features": 4},
        {"name": "relu2", "kind": "relu"},
        {"name": "fc3", "kind": "fc", "out_features": 4},
        {"name": "add", "kind": "add", "inputs": ["relu1", "fc3"]},
        {"name": "fc4", "kind": "fc", "out_features": 2},
    ]
    form = {"height": 1, "width": 1, "channels": 6}
    network = network_of({"name": "shortcut", "input": form, "layers": layers})
    step = checkpoints(network, 2)
    assert named(step, ".again") == []
    assert "relu1.out" in {tensor.name for _, tensor in stash_tensors(step)}


def test_a_checkpoint_waits_until_its_segment_has_run_again() -> None:
    """The dropped map of fc1 is no stash; what ops that run again make for one another is none."""
    stash = [tensor.name for _, tensor in stash_tensors(checkpoints(CHAIN, 2))]
    assert stash == [
        *("relu2.out", "relu2.mask", "relu3.out", "relu3.mask", "fc4.out"),
        *("relu1.out.again", "relu1.mask.again"),
    ]


# Microbatches


def test_the_step_is_repeated_per_microbatch_with_one_update() -> None:
    step, part = cut(CHAIN, 6, 2), lower(CHAIN, "bp", 2)
    assert step.batch == 6
    one = [op.name for op in part.ops if op.pass_ is not Pass.WU]
    rest = [op.name for op in step.ops if ".WG.add" not in op.name and op.pass_ is not Pass.WU]
    assert rest == [f"{name}{end}" for end in ("", ".m1", ".m2") for name in one]
    assert named(step, ".WU") == [f"fc{number}.WU" for number in (4, 3, 2, 1)]
    assert named(step, ".add.m1") == [f"fc{number}.WG.add.m1" for number in (4, 3, 2, 1)]
    assert reads(step.op("fc1.WG.add.m1")) == ["fc1.gradient", "fc1.gradient.m1"]
    assert reads(step.op("fc1.WG.add.m2")) == ["fc1.gradient.sum.m1", "fc1.gradient.m2"]
    assert reads(step.op("fc1.WU"))[0] == "fc1.gradient.sum.m2"
    add = step.op("fc1.WG.add.m2")
    assert isinstance(add, VectorWork)
    assert (add.layer, add.pass_, add.elements, add.ops_per_element) == ("fc1", Pass.WG, 24, 1)
    assert reads(step.op("fc1.FF.m2")) == ["input.m2", "fc1.weight"]
    assert reads(step.op("loss.EP.m1")) == ["fc4.out.m1", "labels.m1"]


def test_macs_are_those_of_the_whole_batch() -> None:
    for rule in ("bp", "dfa"):
        for pass_ in Pass:
            whole, parts = (
                sum(op.dense_macs for op in step.ops if op.pass_ is pass_)
                for step in (lower(CHAIN, rule, 6), cut(CHAIN, 6, 2, rule))
            )
            assert whole == parts


def test_the_update_waits_for_all_microbatches() -> None:
    step = cut(CHAIN, 4, 2)
    waits = {"fc2.WG.add.m1", "fc2.FF", "fc2.EP", "fc2.FF.m1", "fc2.EP.m1"}
    assert set(step.op("fc2.WU").depends_on) == waits
    assert step.op("fc1.FF.m1").depends_on == ()
    assert step.carried["fc1.FF.m1"] == ("fc1.WU",)


def test_a_table_has_the_rows_of_the_whole_batch() -> None:
    """8 rows of 2 words; a microbatch of 1 sample reads 3 of them, a batch of 2 has 6, one of 4
    all 8.
    """
    network = network_of(
        {
            "name": "random",
            "input": {"sequence": 3, "vocabulary": 8},
            "layers": [
                {"name": "words", "kind": "embedding", "dim": 2},
                {"name": "cell", "kind": "rnn", "hidden": 2},
                {"name": "fc", "kind": "fc", "out_features": 2},
            ],
        }
    )
    step = cut(network, 4, 1)
    tables = {t for op in step.ops for t in op.tensors if t.name == "words.weight"}
    assert [table.elements for table in tables] == [16]
    (table,) = (each for each in step.op("words.FF.m1").operands if each.tensor in tables)
    assert table.words_read == 6
    sums = [
        step.op(name).outputs[0].elements
        for name in named(step, *(f"words.WG.add.m{n}" for n in (1, 2, 3)))
    ]
    assert sums == [12, 16, 16]


def test_each_microbatch_reads_its_own_samples() -> None:
    step = cut(CHAIN, 6, 2)
    (operand, _) = step.op("fc1.FF.m2").operands
    assert operand.zeros == SamplesFrom("fc1.input", first=4)
    mask = np.arange(30).reshape(5, 6) % 7 > 2
    masks = MaskSource(trace_of(CHAIN, {"fc1.input": mask}), CHAIN, 2)
    for number, samples in enumerate(([0, 1], [2, 3], [4, 0])):
        op = step.op(f"fc1.FF.m{number}" if number else "fc1.FF")
        bound = masks.moving(op)  # type: ignore[arg-type]
        assert bound is not None
        bits = bound.words.reshape(2)[:, None] >> np.arange(6, dtype=np.uint64) & np.uint64(1)
        assert (bits.astype(bool) == mask[samples]).all()


def test_samples_of_a_sequence() -> None:
    network = network_of(
        {
            "name": "random",
            "input": {"sequence": 2, "vocabulary": 8},
            "layers": [
                {"name": "words", "kind": "embedding", "dim": 4},
                {"name": "fc", "kind": "fc", "out_features": 2},
            ],
        }
    )
    mask = np.arange(2 * 3 * 4).reshape(2, 3, 4) % 5 > 1
    masks = MaskSource(trace_of(network, {"fc.input": mask}), network, 1)
    op = cut(network, 3, 1).op("fc.FF.m2")
    bound = masks.moving(op)  # type: ignore[arg-type]
    assert bound is not None
    bits = bound.words.reshape(2)[:, None] >> np.arange(4, dtype=np.uint64) & np.uint64(1)
    assert (bits.astype(bool) == mask[:, 2]).all()


def test_a_microbatch_of_the_whole_batch_changes_nothing() -> None:
    assert cut(CHAIN, 4, 4) == lower(CHAIN, "bp", 4)


def test_both() -> None:
    step = in_microbatches(checkpoints(CHAIN, 2, 2), checkpoints(CHAIN, 2, 4))
    ending = (".again", ".again.m1")
    names = ["fc1.FF.again", "relu1.FF.again"]
    assert named(step, *ending) == [*names, *(f"{name}.m1" for name in names)]
    assert reads(step.op("fc2.WG.m1")) == ["relu1.out.again.m1", "fc2.error.m1"]
    assert step.op("fc1.FF.again.m1").depends_on == ("relu2.EP.m1",)


def test_names() -> None:
    known = {"c1.FF": "", "c1.FF.again": ".again", "c1.FF.again.m12": ".again.m12", "m1.FF": ""}
    assert {name: copy_suffix(name) for name in known} == known
    step = checkpoints(CHAIN, 2)
    assert [op.name for op in step.ops if runs_again(op)] == named(step, ".again")


# Results


def simulated(where: str = "near_memory", schedule: str = "serial", **options: Any) -> Any:
    return accelsim.simulate(
        IMAGES, machine(where), batch=4, trace="random:0.5", schedule=schedule, samples=0, **options
    )


@pytest.mark.parametrize(("where", "schedule"), WHERE)
def test_checkpoints_make_the_stash_smaller(where: str, schedule: str) -> None:
    plain, kept = simulated(where, schedule), simulated(where, schedule, checkpoint="every=2")
    assert kept.peak_stash_bytes < plain.peak_stash_bytes
    assert kept.passes["FF"].macs.dense > plain.passes["FF"].macs.dense
    for name in ("EP", "WG", "WU"):
        assert kept.passes[name].macs.dense == plain.passes[name].macs.dense
    assert violations(kept) == []


@pytest.mark.parametrize(("where", "schedule"), WHERE)
def test_microbatches_make_the_stash_smaller(where: str, schedule: str) -> None:
    plain, parts = simulated(where, schedule), simulated(where, schedule, microbatch=1)
    if schedule == "serial":
        assert parts.peak_stash_bytes * 3 < plain.peak_stash_bytes
    assert parts.batch == 4
    assert parts.macs.dense == plain.macs.dense
    assert parts.passes["WU"].vector_ops == plain.passes["WU"].vector_ops
    assert violations(parts) == []


def test_the_pes_add_the_gradients_that_they_hold() -> None:
    result = simulated(microbatch=2)
    adds = {op.name: op for op in result.ops if op.name.endswith(".WG.add.m1")}
    places = {each.name: each.place for each in result.tensors}
    assert adds["conv0.WG.add.m1"].words.remote == 0
    assert places["conv0.gradient.sum.m1"] == places["conv0.weight"] == "scratchpads"


def test_documents_hold_the_options_that_are_given() -> None:
    plain, both = simulated(), simulated(checkpoint="every=02", microbatch=2)
    assert not {"checkpoint", "microbatch"} & set(plain.to_json())
    document = both.to_json()
    assert (document["checkpoint"], document["microbatch"]) == ("every=2", 2)
    assert type(both).parse(document) == both
    assert plain.config_hash != both.config_hash


def test_hashes_are_those_of_the_ops() -> None:
    hashes = [
        simulated(**options).config_hash
        for options in (
            {},
            {"checkpoint": "every=100"},
            {"microbatch": 4},
            {"checkpoint": "every=2"},
            {"checkpoint": "every=3"},
            {"microbatch": 2},
            {"microbatch": 1},
        )
    ]
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(set(hashes)) == 5


def test_labels_tell_runs_apart() -> None:
    runs = [simulated(), simulated(checkpoint="every=2"), simulated(microbatch=2)]
    assert labels(runs) == [
        "bp, no checkpoints, whole batch",
        "bp, checkpoint every=2, whole batch",
        "bp, no checkpoints, microbatch 2",
    ]


def test_a_hybrid_rule() -> None:
    result = accelsim.simulate(
        CHAIN,
        rule="hdfa:p=0.5",
        batch=4,
        trace="dense",
        checkpoint="every=2",
        microbatch=2,
    )
    assert (result.checkpoint, result.microbatch) == ("every=2", 2)
    for each in result.steps:
        assert any(op.name == "fc1.FF.again.m1" for op in each.result.ops)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"microbatch": 3}, "microbatch must divide the batch of 4, got 3"),
        ({"microbatch": 8}, "microbatch must divide the batch of 4, got 8"),
        (
            {"microbatch": 0},
            "microbatch must be a whole number between 1 and 1048576, got 0",
        ),
        ({"checkpoint": "2"}, "checkpoint must be every=N with a whole N >= 1, got 2"),
        ({"checkpoint": "every=0"}, "checkpoint must be every=N with a whole N >= 1, got every=0"),
        ({"checkpoint": "every=x"}, "checkpoint must be every=N with a whole N >= 1, got every=x"),
    ],
)
def test_faults(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError) as raised:
        accelsim.simulate(CHAIN, batch=4, trace="dense", **options)
    assert [each.message for each in raised.value.faults] == [fault]
