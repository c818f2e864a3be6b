"""Small random machines, convolutional networks with every geometry, and masks of any density, for
property tests of the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.workload.network import INPUT, Layer, Network
from accelsim.zeros.trace import Trace
from tests.naive.machine import Lanes
from tests.reference_networks import Builder

PLACED = ("weights", "copies", "feedback", "gradients", "optimizer_state", "stash")
SKIPS = ("moving", "stationary", "both", "none")


def machine(organization: str = "near_memory", **overrides: Any) -> Machine:
    """A built-in machine with 2 x 3 PEs of 2 lanes, canonical mappings, no operand buffer and no
    fusion, and other keys as given, such as ``pe_array__lanes=4``.
    """
    base = {
        "near_memory": "near-memory",
        "von_neumann": "von-neumann",
        "systolic": "systolic-32x32",
    }[organization]
    kind = "systolic" if organization == "systolic" else overrides.get("pe_array__kind", "lanes")
    lanes = {} if kind in ("systolic", "coupled") else {"pe_array.lanes": 2}
    if kind == "lanes":
        lanes["pe_array.operand_buffer"] = 0
    plain = {"fusion": "none", "mapping.objective": "canonical"}
    small = {"pe_array.rows": 2, "pe_array.cols": 3, **plain, **lanes}
    return load_machine(
        base, {**small, **{key.replace("__", "."): value for key, value in overrides.items()}}
    )


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """A zero-skipping machine with capacity for all weights and their copies."""
    bits = draw(st.sampled_from([16, 64]))
    own = draw(
        st.one_of(
            st.fixed_dictionaries(
                {
                    "pe_array__lanes": st.integers(1, 4),
                    "pe_array__window": st.sampled_from([1, 2, 3, 5, 16]),
                    "pe_array__operand_buffer": st.sampled_from([0, 64]),
                }
            ),
            st.just({"pe_array__kind": "coupled"}),
            st.fixed_dictionaries(
                {
                    "pe_array__kind": st.just("broadcast"),
                    "pe_array__lanes": st.integers(1, 3),
                    "pe_array__fifo_depth": st.sampled_from([1, 2, 3, 8]),
                    "pe_array__index_bits": st.sampled_from([1, 2, 4]),
                }
            ),
        )
    )
    return machine(
        draw(st.sampled_from(["near_memory", "von_neumann"])),
        **own,
        pe_array__rows=draw(st.integers(1, 3)),
        pe_array__cols=draw(st.integers(1, 3)),
        pe_array__skip={name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        pe_array__skip_outputs=draw(st.booleans()),
        pe_array__structural_zeros=draw(st.sampled_from(["removed", "window"])),
        pe_array__gating=draw(st.booleans()),
        precision__activation=bits,
        precision__error=bits,
        scratchpad__capacity="64KiB",
        scratchpad__working=draw(st.sampled_from(["2112B", "8KiB"])),
        global_buffer__capacity="64KiB",
        global_buffer__staging=draw(st.sampled_from(["128B", "16KiB"])),
    )


@st.composite
def placements(draw: st.DrawFn) -> dict[str, Any]:
    """Keys of the section `placement`: any place of the stash, the default order and limit of
    copies or any legal ones.
    """
    stash = {"placement__stash": draw(st.sampled_from(["scratchpad", "auto", "buffer"]))}
    if draw(st.booleans()):
        return stash
    order = draw(st.permutations(PLACED))
    weights, copies = order.index("weights"), order.index("copies")
    order[min(weights, copies)], order[max(weights, copies)] = "weights", "copies"
    return {
        **stash,
        "placement__order": order,
        "placement__copies": draw(st.sampled_from(["auto", "auto", 1, 2, 3])),
    }


def lanes_of(architecture: Machine) -> Lanes:
    """Parameters of a machine that the plain twin needs."""
    array = architecture.pe_array
    skip = {"FF": array.skip.ff, "EP": array.skip.ep, "WG": array.skip.wg}
    return Lanes(
        architecture.organization == "near_memory",
        array.rows,
        array.cols,
        array.lanes,
        getattr(array, "window", 16),
        skip,
        array.skip_outputs,
        array.structural_zeros,
        array.gating,
        8 * architecture.scratchpad.working_bytes,
        architecture.precision.activation,
        array.kind,
        getattr(array, "fifo_depth", 8),
        getattr(array, "index_bits", 4),
        architecture.accumulators,
        architecture.precision.psum,
    )


@st.composite
def convolutions(draw: st.DrawFn, most: int = 3) -> Network:
    """A chain of convolutions with any kernel, stride, dilation, groups and asymmetric padding,
    possibly with other layers between them, and a classifier.
    """
    builder = Builder(
        "random",
        (draw(st.integers(2, 6)), draw(st.integers(2, 6)), draw(st.sampled_from([1, 2, 3, 4]))),
    )
    for _ in range(draw(st.integers(1, most))):
        height, width, channels = builder.shapes[
            builder.layers[-1].name if builder.layers else INPUT
        ]
        groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
        dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(4))
        reach = (height + padding[0] + padding[1], width + padding[2] + padding[3])
        kernel = tuple(
            draw(st.integers(1, min(3, (size - 1) // step + 1)))
            for size, step in zip(reach, dilation, strict=True)
        )
        stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        outputs = groups * draw(st.integers(1, 3 if groups < 3 else 2))
        builder.add(
            "conv",
            outputs,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
        if draw(st.booleans()):
            builder.add("batch_norm")
        between = draw(st.sampled_from(["relu", "relu", "tanh", "pooled", "none"]))
        if between in ("relu", "pooled"):
            builder.add("relu")
        if between == "tanh":
            builder.add("tanh")
        height, width, _ = builder.shapes[builder.layers[-1].name]
        if between == "pooled" and min(height, width) >= 2:
            builder.add("max_pool", kernel=(2, 2), stride=(draw(st.integers(1, 2)),) * 2)
    if draw(st.booleans()):
        builder.add("fc", draw(st.integers(1, 7))).add("relu")
    return builder.add("fc", draw(st.integers(2, 5))).network()


@st.composite
def masks(
    draw: st.DrawFn, network: Network, samples: int, weights: bool = True
) -> dict[str, np.ndarray]:
    """Masks of a random subset of a network's tensors; the others are dense. Samples come before
    channels, time steps before samples.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9]))
    drawn: dict[str, np.ndarray] = {}
    for layer in network.weighted:
        for role, shape in _shapes(network, layer, samples).items():
            if (role != "weight" or weights) and draw(st.integers(0, 3)):
                drawn[f"{layer.name}.{role}"] = random.random(shape) < density
    return drawn


def _shapes(network: Network, layer: Layer, samples: int) -> Mapping[str, tuple[int, ...]]:
    if layer.kind == "embedding":
        return {}
    maps = {"input": layer.in_shape, "mask": layer.in_shape, "error": layer.out_shape}
    if network.unrolled:
        shapes = {role: (network.time_steps, samples, shape[2]) for role, shape in maps.items()}
    elif not layer.flattens:
        shapes = {role: (samples, *shape) for role, shape in maps.items()}
    else:
        shapes = {role: (samples, int(np.prod(shape))) for role, shape in maps.items()}
    return {**shapes, "weight": layer.weight_shape}


def trace_of(network: Network, masks: Mapping[str, np.ndarray]) -> Trace:
    """A trace of the masks."""
    return Trace.from_masks(network.name, "bp", "random", 0, 0, masks)


KINDS = (
    "lanes",
    "coupled",
    "broadcast",
    "output_stationary",
    "weight_stationary",
    "input_stationary",
    "row_stationary",
)
"""Every kind of PE array, and every dataflow of systolic ones."""

Overrides = dict[str, Any]


@st.composite
def any_machines(draw: st.DrawFn, kind: str) -> Machine:
    """A machine of one of `KINDS` with all other settings random. Memories and links may be so
    small that tensors spill and transfers wait.
    """
    skips = kind in {"lanes", "coupled", "broadcast"}
    near = skips and draw(st.booleans())
    rows, cols = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    base = "near_memory" if near else "von_neumann" if skips else "systolic"
    return machine(
        base,
        **(draw(_skipping(kind)) if skips else draw(_dense(kind))),
        **(draw(_near_memory(kind)) if near else {}),
        **draw(_memories(kind)),
        **draw(_words()),
        **draw(placements()),
        pe_array__rows=rows,
        pe_array__cols=cols,
        pe_array__gating=draw(st.booleans()),
        noc__topology=draw(st.sampled_from(["tree", "mesh"])),
        noc__width=draw(st.sampled_from([7, 16, 256])),
        noc__peer_links=draw(st.integers(1, 2)),
        noc__buffer_ports=draw(st.integers(1, rows)),
        vector_unit__width=draw(st.sampled_from([1, 5, 64])),
        vector_unit__ops_per_cycle=draw(st.integers(1, 2)),
        clock=draw(st.sampled_from(["100MHz", "500MHz", "1300MHz"])),
        leakage=draw(st.sampled_from(["hp", "lstp"])),
        mapping__objective=draw(
            st.sampled_from(["canonical", "canonical", "cycles", "energy", "edp"])
        )
        if kind in {"lanes", "coupled"}
        else "canonical",
        blocks_per_op=draw(st.sampled_from([1, 2, 4, 7])),
        fusion=draw(st.sampled_from(["none", "epilogue", "full"])),
        partitions=draw(
            st.sampled_from([n for n in range(1, rows * cols + 1) if rows * cols % n == 0])
        ),
    )


@st.composite
def _skipping(draw: st.DrawFn, kind: str) -> Overrides:
    own: Overrides = {"pe_array__kind": kind}
    if kind == "lanes":
        own |= {
            "pe_array__lanes": draw(st.integers(1, 4)),
            "pe_array__window": draw(st.sampled_from([1, 2, 5, 16])),
            "pe_array__operand_buffer": draw(st.sampled_from([0, 64])),
        }
    if kind == "broadcast":
        own |= {
            "pe_array__lanes": draw(st.integers(1, 3)),
            "pe_array__fifo_depth": draw(st.sampled_from([1, 2, 8])),
        }
        own["pe_array__index_bits"] = draw(st.sampled_from([1, 2, 4]))
    return {
        **own,
        "pe_array__skip": {name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        "pe_array__skip_outputs": draw(st.booleans()),
        "pe_array__structural_zeros": draw(st.sampled_from(["removed", "window"])),
    }


def dense(kind: str) -> Overrides:
    """Key and value that select a dense array, by dataflow or by the kind `row_stationary`."""
    return {"pe_array__kind" if kind == "row_stationary" else "pe_array__dataflow": kind}


@st.composite
def _dense(draw: st.DrawFn, kind: str) -> Overrides:
    own = dense(kind)
    if kind == "row_stationary":
        words = {
            "filter_words": [2, 12, 224],
            "input_words": [1, 4, 12],
            "psum_words": [1, 24],
            "filter_bus": [1, 4],
            "input_bus": [1, 3],
            "psum_bus": [1, 4],
        }
        own |= {
            f"pe_array__{name}": draw(st.sampled_from(values)) for name, values in words.items()
        }
    return own


@st.composite
def _near_memory(draw: st.DrawFn, kind: str) -> Overrides:
    transposes = ["remote_read", "transposable"] + ["psum_reduce"] * (kind != "broadcast")
    return {
        "near_memory__transpose": draw(st.sampled_from(transposes)),
        "near_memory__update": draw(st.sampled_from(["fused", "separate"])),
        "near_memory__feedback": draw(st.sampled_from(["stored", "prng"])),
        "vector_unit__update_in_pe": draw(st.booleans()),
    }


@st.composite
def _memories(draw: st.DrawFn, kind: str) -> Overrides:
    staging, working = (
        draw(st.sampled_from([16, 64, 1024])),
        draw(st.sampled_from([800 if kind == "coupled" else 600, 2112])),
    )
    # A row-stationary array needs buffer space for the smallest pass, and scratchpads that hold its
    # registers.
    room = [400, 2000, 100000] if kind == "row_stationary" else [1, 100, 2000, 100000]
    beside = (
        st.integers(4096, 4200)
        if kind == "row_stationary"
        else st.one_of(st.integers(1, 200), st.just(1 << 16))
    )
    return {
        "scratchpad__working": f"{working}B",
        "scratchpad__capacity": f"{working + draw(beside)}B",
        "scratchpad__banks": draw(st.sampled_from([1, 4])),
        "scratchpad__width": draw(st.sampled_from([8, 64])),
        "scratchpad__ports": draw(st.integers(1, 2)),
        "global_buffer__staging": f"{staging}B",
        "global_buffer__capacity": f"{2 * staging + draw(st.sampled_from(room))}B",
        "global_buffer__banks": draw(st.sampled_from([1, 4])),
        "global_buffer__width": draw(st.sampled_from([8, 64])),
        "global_buffer__ports": draw(st.integers(1, 2)),
        "global_buffer__conflicts": draw(st.sampled_from(["ideal", "modelled"])),
        "global_buffer__interleave": draw(st.sampled_from(["word", "block"])),
        "dram__standard": draw(st.sampled_from(["ddr4-2400", "ddr4-3200", "lpddr4-3200", "hbm2"])),
        "dram__channels": draw(st.integers(1, 3)),
    }


@st.composite
def _words(draw: st.DrawFn) -> Overrides:
    formats = st.sampled_from(["dense", "dense", "bitmap", "rle", "csc"])
    return {
        **{
            f"format__{role}": draw(formats)
            for role in ("weight", "activation", "error", "feedback", "gradient")
        },
        "format__run_bits": draw(st.sampled_from([1, 4])),
        "format__index_bits": draw(st.sampled_from([1, 4])),
        "format__pointer_bits": draw(st.sampled_from([8, 32])),
        **{
            f"precision__{role}": draw(st.sampled_from([8, 16, 32]))
            for role in ("weight", "activation", "error", "gradient", "feedback")
        },
        "precision__optimizer_state": draw(st.sampled_from([16, 32])),
    }
