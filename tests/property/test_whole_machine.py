"""The event simulation against the whole-machine twin, which steps every component once per cycle:
equal to the cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.standard import DramSpec, Timing
from accelsim.machine.architecture import Machine
from accelsim.rules.registry import lower
from accelsim.step.contraction import matrix_nest
from accelsim.step.forms import Form
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
    Pass,
    Role,
    Tensor,
    TrainingStep,
    Use,
    VectorWork,
)
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.examples import examples
from tests.naive.machine import Twin, Work
from tests.random_drams import timings
from tests.random_machines import SKIPS, lanes_of, machine, masks, placements, trace_of
from tests.random_networks import network_of
from tests.reference_networks import Builder
from tests.stepped_runs import compare

EXAMPLES = examples(400, nightly=1000)
"""Number of programs of each kind; see `tests/examples.py`."""
RULES = {"bp": 0, "bp-only": 0, "fa": 0, "dfa": 0, "ssdfa": 1, "sdfa:k=2": 2, "frozen": 0}
NETWORK = Builder("random", (1, 1, 1)).add("fc", 2).network()
"""Network of generated programs, whose ops do not come from a network."""
CLOCKS = ["1GHz", "800MHz", "933MHz", "617MHz"]
PERIODS = [1.0, 0.625, 0.833, 1.25, 2.5]


@st.composite
def policies(draw: st.DrawFn) -> dict[str, object]:
    """Any scheduler, with queues of the usual size or of a few requests."""
    low, high = sorted(draw(st.tuples(*[st.sampled_from([0.2, 0.5, 0.8])] * 2)))
    return {
        "scheduler": draw(st.sampled_from(["frfcfs_rowhit", "frfcfs_rowhit", "frfcfs", "fcfs"])),
        "read_queue": draw(st.sampled_from([32, 32, 1, 2, 5])),
        "write_queue": draw(st.sampled_from([32, 32, 1, 2, 5])),
        "drain_low": low,
        "drain_high": high,
        "refresh": draw(st.sampled_from(["all_bank", "none"])),
    }


@st.composite
def drams(draw: st.DrawFn) -> DramSpec:
    """Two banks, in one group, two groups or two ranks, with any timings. Refreshes are as frequent
    as possible, or off.
    """
    timing = draw(timings(6)) | {
        "tCK": draw(st.sampled_from(PERIODS)),
        "tREFI": 60 + draw(st.integers(1, 6)),
    }
    ranks, groups, banks = draw(st.sampled_from([(1, 1, 2), (1, 2, 1), (2, 1, 1)]))
    organisation = {
        "ranks": ranks,
        "bankgroups": groups,
        "banks_per_group": banks,
        "rows": draw(st.sampled_from([8, 256])),
        "bursts_per_row": draw(st.sampled_from([1, 2, 8])),
        "bus_width": 16,
        "BL": draw(st.sampled_from([2, 4])),
    }
    return DramSpec.model_validate(
        {
            "timing": timing,
            "organisation": organisation,
            "policy": draw(policies()),
            "protocol": draw(st.sampled_from([None, None, "HBM2"])),
            "address_mapping": draw(
                st.sampled_from(["rochrababgco", "rorabgbachco", "robacochrabg", "chrorababgco"])
            ),
        }
    )


@st.composite
def tiny_machines(draw: st.DrawFn) -> Machine:
    """At most 2 x 2 PEs, memories of a few words or with enough capacity for everything, and links
    of any width.
    """
    kind = draw(st.sampled_from(["near_memory", "near_memory", "von_neumann"]))
    rows, cols = draw(st.sampled_from([(2, 2), (2, 2), (2, 2), (1, 2), (2, 1), (1, 1)]))
    staging = draw(st.sampled_from([16, 64, 1024]))
    lanes, window = draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 4, 16]))
    # Two windows of both operands per lane, and its partial sum. With little more than that,
    # operands are fetched repeatedly.
    working = lanes * (2 * window * 2 * 16 + 32) // 8 + draw(st.sampled_from([0, 20, 100, 600]))
    near = {
        "near_memory__transpose": draw(
            st.sampled_from(["remote_read", "psum_reduce", "psum_reduce", "transposable"])
        ),
        "near_memory__update": draw(st.sampled_from(["fused", "separate"])),
        "near_memory__feedback": draw(st.sampled_from(["stored", "prng"])),
        "vector_unit__update_in_pe": draw(st.booleans()),
        "scratchpad__capacity": f"{working + draw(st.sampled_from([1, 10, 30, 100, 200]))}B",
    }
    return machine(
        kind,
        **(near if kind == "near_memory" else {}),
        **draw(placements()),
        fusion=draw(st.sampled_from(["none", "epilogue", "full"])),
        clock=draw(st.sampled_from(CLOCKS)),
        pe_array__rows=rows,
        pe_array__cols=cols,
        pe_array__lanes=lanes,
        pe_array__window=window,
        pe_array__operand_buffer=draw(st.sampled_from([0, 16])),
        pe_array__skip={name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        pe_array__skip_outputs=draw(st.booleans()),
        pe_array__structural_zeros=draw(st.sampled_from(["removed", "window"])),
        pe_array__gating=draw(st.booleans()),
        scratchpad__working=f"{working}B",
        scratchpad__banks=draw(st.sampled_from([1, 1, 16])),
        scratchpad__width=draw(st.sampled_from([8, 64])),
        scratchpad__ports=draw(st.integers(1, 2)),
        global_buffer__capacity=f"{2 * staging + draw(st.sampled_from([1, 20, 100, 400, 10**5]))}B",
        global_buffer__staging=f"{staging}B",
        global_buffer__banks=draw(st.sampled_from([1, 4])),
        global_buffer__width=draw(st.sampled_from([8, 64])),
        global_buffer__ports=draw(st.integers(1, 2)),
        global_buffer__conflicts=draw(st.sampled_from(["ideal", "ideal", "modelled"])),
        global_buffer__interleave=draw(st.sampled_from(["word", "block"])),
        noc__topology=draw(st.sampled_from(["tree", "tree", "mesh"])),
        noc__buffer_ports=draw(st.integers(1, rows)),
        noc__width=draw(st.sampled_from([7, 16, 256])),
        noc__peer_links=draw(st.integers(1, 2)),
        vector_unit__width=draw(st.sampled_from([1, 4, 64])),
        dram__channels=draw(st.sampled_from([1, 1, 2, 3])),
        dram__outstanding=draw(st.sampled_from([None, None, 1, 2, 7])),
        dram__arbitration=draw(st.sampled_from(["round_robin", "round_robin", "oldest_first"])),
        blocks_per_op=draw(st.integers(1, 5)),
        partitions=draw(
            st.sampled_from([count for count in (1, 2, 4) if rows * cols % count == 0])
        ),
    )


@st.composite
def tiny_networks(draw: st.DrawFn) -> Network:
    """At most one convolution, with layers that may follow it, and one to three fully connected
    layers.
    """
    convolves = draw(st.booleans())
    side = draw(st.integers(2, 3)) if convolves else 1
    builder = Builder("random", (side, side, draw(st.integers(1, 3))))
    if convolves:
        taps = draw(st.integers(1, 2))
        padding = tuple(draw(st.integers(0, 1)) for _ in range(4))
        builder.add(
            "conv",
            draw(st.integers(1, 3)),
            kernel=(taps, taps),
            stride=(draw(st.integers(1, 2)),) * 2,
            padding=padding,
        )
        for kind in draw(st.sampled_from([(), ("relu",), ("batch_norm", "relu"), ("tanh",)])):
            builder.add(kind)
    for _ in range(draw(st.integers(0, 2))):
        builder.add("fc", draw(st.integers(1, 5))).add(draw(st.sampled_from(["relu", "tanh"])))
    return builder.add("fc", draw(st.integers(2, 4))).network()


@st.composite
def tiny_transformers(draw: st.DrawFn) -> Network:
    """One layer of attention over at most three tokens, and a class per token or sample."""
    tokens, shared, sharing = (draw(st.integers(1, most)) for most in (3, 2, 2))
    size, wide, width = (draw(st.integers(1, 2)) for _ in range(3))
    layers: list[dict[str, Any]] = [
        {"name": "table", "kind": "embedding", "dim": width},
        {"name": "q", "kind": "linear", "out_features": shared * sharing * size},
        {"name": "k", "kind": "linear", "out_features": shared * size, "inputs": ["table"]},
        {"name": "v", "kind": "linear", "out_features": shared * wide, "inputs": ["table"]},
        {
            "name": "mix",
            "kind": "attention",
            "inputs": ["q", "k", "v"],
            "heads": shared * sharing,
            "kv_heads": shared,
            "causal": draw(st.booleans()),
        },
    ]
    if draw(st.booleans()):
        layers += [
            {"name": "o", "kind": "linear", "out_features": width},
            {"name": "sum", "kind": "add", "inputs": ["o", "table"]},
            {"name": "norm", "kind": draw(st.sampled_from(["layer_norm", "relu"]))},
        ]
    end = draw(st.sampled_from(["linear", "linear", "fc"]))
    layers.append({"name": "end", "kind": end, "out_features": 2})
    given = {"tokens": tokens, "vocabulary": 3}
    return network_of({"name": "random", "input": given, "layers": layers})


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_training_steps_take_the_cycles_of_the_stepped_machine(data: st.DataObject) -> None:
    network, architecture, dram = (
        data.draw(st.one_of(tiny_networks(), tiny_networks(), tiny_transformers())),
        data.draw(tiny_machines()),
        data.draw(drams()),
    )
    rule = data.draw(
        st.sampled_from([name for name, k in RULES.items() if k <= network.output.out_shape[2]])
    )
    batch, seed = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 3))
    found = data.draw(masks(network, 2))
    serial = data.draw(st.booleans())
    steps = 1 if serial else data.draw(st.integers(1, 3))
    source = MaskSource(trace_of(network, found), network, batch, seed)
    works = Twin(network, found, batch, lanes_of(architecture), rule, RULES[rule], seed).ops()
    optimizer = data.draw(st.sampled_from(["sgd", "momentum"]))
    assume(
        compare(
            architecture, dram, source, lower(network, rule, batch, optimizer), works, serial, steps
        )
    )


@dataclass
class Program:
    """Generated ops. An op that writes a tensor waits for earlier writers and readers, as in a
    lowered step.
    """

    ops: list[Op] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    works: dict[str, Work] = field(default_factory=dict)

    def add(self, op: Op, extra: tuple[str, ...] = ()) -> None:
        read = {operand.tensor.name for operand in op.operands}
        written = {tensor.name for tensor in op.outputs}
        waits = {
            each.name
            for each in self.ops
            if written & {operand.tensor.name for operand in each.operands}
        }
        waits |= {
            each.name
            for each in self.ops
            if (read | written) & {tensor.name for tensor in each.outputs}
        }
        names = [each.name for each in self.ops if each.name in waits or each.name in extra]
        self.ops.append(replace(op, depends_on=tuple(names)))
        self.tensors += [tensor for tensor in op.outputs if not tensor.persistent]

    def step(self) -> TrainingStep:
        writer = {
            tensor.name: op.name for op in self.ops for tensor in op.outputs if tensor.persistent
        }
        carried = {}
        for op in self.ops:
            touched = (
                *(operand.tensor.name for operand in op.operands),
                *(tensor.name for tensor in op.outputs),
            )
            waits = tuple(dict.fromkeys(writer[name] for name in touched if name in writer))
            if waits:
                carried[op.name] = waits
        return TrainingStep("random", "bp", 1, tuple(self.ops), carried)


def gathers(tensor: Tensor) -> st.SearchStrategy[Operand]:
    """An operand that reads the whole tensor (-1), some of its words, or some of them again."""
    words = st.integers(-1, 2 * tensor.elements)
    return st.builds(Operand, st.just(tensor), st.just(Use.READ), words=words)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A few ops that read outputs of others or tensors from outside: forward and backward products
    with weights, vector work, and updates.
    """
    sizes = st.integers(1, 5)
    program = Program()
    program.tensors = [
        Tensor(f"outside{i}", Role.ACTIVATION, (draw(sizes), draw(sizes)))
        for i in range(draw(st.integers(1, 2)))
    ]
    weights: list[tuple[str, Tensor]] = []
    for index in range(draw(st.integers(1, 9))):
        extra = tuple(op.name for op in program.ops if draw(st.integers(0, 5)) == 0)
        read = draw(st.sampled_from(program.tensors))
        n, inner = read.shape
        name, kind = (
            f"op{index}",
            draw(
                st.sampled_from(
                    [
                        "forward",
                        "backward",
                        "vector",
                        "vector",
                        *(["update"] * 2 if weights else []),
                    ]
                )
            ),
        )
        if kind in {"forward", "backward"}:
            outer = draw(sizes)
            k, c = (outer, inner) if kind == "forward" else (inner, outer)
            forward = matrix_nest(n, k, c)
            weight = Tensor(f"{name}.weight", Role.WEIGHT, (k, c), persistent=True, home_channels=k)
            weights.append((name, weight))
            operands = (Operand(read, Use.MOVING), Operand(weight, Use.STATIONARY))
            made = (
                Tensor(
                    f"{name}.out", Role.ACTIVATION if kind == "forward" else Role.ERROR, (n, outer)
                ),
            )
            pass_ = Pass.FF if kind == "forward" else Pass.EP
            program.works[name] = Work(
                str(pass_),
                outer,
                n,
                lambda _k, _m, length=inner: [(1, 1, True)] * length,
                n * outer * inner,
            )  # type: ignore[misc]
            program.add(
                Contraction(
                    name,
                    name,
                    pass_,
                    operands,
                    made,
                    (),
                    forward if kind == "forward" else forward.backward,
                ),
                extra,
            )
            continue
        known = [*program.tensors, *(weight for _, weight in weights)]
        others = draw(
            st.lists(st.sampled_from(known), max_size=3, unique_by=lambda tensor: tensor.name)
        )
        inputs = {tensor.name: tensor for tensor in (read, *others)}
        form = draw(st.sampled_from(list(Form)))
        elements = draw(st.integers(1, 40)) if form is Form.OTHER else read.elements
        operations = draw(st.integers(1, 4))
        work = ("add", elements, operations)
        if kind == "update":
            layer, weight = draw(st.sampled_from(weights))
            uses = tuple(
                draw(gathers(tensor)) for tensor in (inputs | {weight.name: weight}).values()
            )
            program.add(VectorWork(name, layer, Pass.WU, uses, (weight,), (), *work), extra)
            continue
        outputs = tuple(
            Tensor(f"{name}.out{i}", Role.ACTIVATION, (draw(sizes), draw(sizes)))
            for i in range(draw(st.integers(1, 2)))
        )
        uses = tuple(draw(gathers(each)) for each in inputs.values())
        lines = st.integers(0, 9) if form is Form.WINDOWS else st.just(0)
        sums, waits = draw(st.integers(0, operations)), draw(st.tuples(lines, lines, lines))
        work += (form, sums, draw(st.integers(0, 2)), *waits)
        program.add(VectorWork(name, name, Pass.FF, uses, outputs, (), *work), extra)
    return program


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_made_up_programs_take_the_cycles_of_the_stepped_machine(data: st.DataObject) -> None:
    program, architecture, dram = (
        data.draw(programs()),
        data.draw(tiny_machines()),
        data.draw(drams()),
    )
    serial = data.draw(st.booleans())
    steps = 1 if serial else data.draw(st.integers(1, 3))
    assume(
        compare(
            architecture,
            dram,
            MaskSource(None, NETWORK, 1),
            program.step(),
            program.works,
            serial,
            steps,
        )
    )


def test_a_transfer_in_pieces_ends_with_the_slowest_channel() -> None:
    """A tensor across the end of DRAM is read in two pieces: seven rows of the second channel, then
    one row of the first, which arrives earlier.
    """
    timing = dict.fromkeys(
        set(Timing.model_fields) - {"AL", "tCK", "tRC", "tRCDRD", "tRCDWR", "tREFI"}, 3
    ) | {"tCK": 1.0, "tREFI": 1000}
    organisation = {
        "bankgroups": 1,
        "banks_per_group": 2,
        "rows": 8,
        "bursts_per_row": 1,
        "bus_width": 16,
        "BL": 2,
    }
    dram = DramSpec.model_validate(
        {"timing": timing, "organisation": organisation, "address_mapping": "chrorababgco"}
    )
    program = Program()
    for name, words in (("first", 50), ("across", 16)):
        read, made = (
            Tensor(f"{name}.in", Role.ACTIVATION, (1, words)),
            Tensor(f"{name}.out", Role.ACTIVATION, (1, 1)),
        )
        program.add(
            VectorWork(
                name,
                name,
                Pass.FF,
                (Operand(read, Use.READ),),
                (made,),
                (),
                "add",
                1,
                1,
            )
        )
    architecture = machine("von_neumann", clock="1GHz", dram__channels=2)
    assert compare(
        architecture,
        dram,
        MaskSource(None, NETWORK, 1),
        program.step(),
        program.works,
        serial=True,
        steps=1,
    )


def test_zeros_that_fill_up_a_round_are_skipped_whether_or_not_weights_have_a_mask() -> None:
    """Five channels of errors for four PEs that share each reduction: three PEs have one channel
    and a zero in the second round.
    """
    network = (
        Builder("random", (3, 3, 2))
        .add("conv", 2, kernel=(1, 1))
        .add("conv", 5, kernel=(2, 2))
        .add("fc", 2)
        .network()
    )
    skip = {"ff": "both", "ep": "stationary", "wg": "both"}
    array = {"rows": 2, "cols": 2, "lanes": 1, "skip": skip}
    architecture = machine(
        "near_memory",
        near_memory__transpose="psum_reduce",
        **{f"pe_array__{key}": value for key, value in array.items()},
    )
    for found in ({}, {"conv1.weight": np.ones((5, 2, 2, 2), np.bool_)}):
        assert compare_bp(network, architecture, found, serial=True)


TIGHT = {
    "scratchpad__banks": 1,
    "scratchpad__width": 64,
    "pe_array__rows": 2,
    "pe_array__cols": 2,
    "pe_array__lanes": 1,
    "pe_array__window": 1,
    "global_buffer__width": 8,
    "global_buffer__banks": 1,
}
"""A machine whose lanes wait for the ports of their scratchpads, which have lines of four words."""


def test_samples_of_an_outer_product_with_a_word_per_lane_do_not_share_lines() -> None:
    """Two samples of one input and two outputs: each lane reads a line per sample and operand."""
    network = Builder("random", (1, 1, 1)).add("fc", 2).network()
    skip = {"ff": "moving", "ep": "moving", "wg": "none"}
    architecture = machine("near_memory", pe_array__skip=skip, **TIGHT)
    assert compare_bp(network, architecture, {}, batch=2)


def test_a_column_of_a_transposable_scratchpad_is_read_word_by_word() -> None:
    """EP skips nothing and takes its errors line by line, but its weights lie in rows of their
    own.
    """
    network = Builder("random", (1, 1, 2)).add("fc", 3).add("fc", 4).network()
    skip = {"ff": "moving", "ep": "none", "wg": "moving"}
    architecture = machine(
        "near_memory", near_memory__transpose="transposable", pe_array__skip=skip, **TIGHT
    )
    assert compare_bp(network, architecture, {}, batch=2)


def compare_bp(
    network: Network,
    architecture: Machine,
    found: dict[str, np.ndarray],
    batch: int = 1,
    serial: bool = False,
) -> bool:
    """Run both machines on a step of BP, with LPDDR4. ``found``: masks by tensor."""
    return compare(
        architecture,
        load_model(catalog.find("dram", "lpddr4-3200"), DramSpec),
        MaskSource(trace_of(network, found), network, batch),
        lower(network, "bp", batch),
        Twin(network, found, batch, lanes_of(architecture), "bp", 0, 0).ops(),
        serial,
        steps=1,
    )
