"""Small random machines, convolution networks with every geometry, and masks of any density, for property tests of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from accelsim.network import INPUT, Layer, Network
from accelsim.spec.architecture import Architecture
from accelsim.spec.machine import load_architecture
from accelsim.trace import Trace
from tests.naive.machine import Lanes
from tests.reference_networks import Builder

SKIPS = ("moving", "stationary", "both", "none")


def machine(organization: str = "near_memory", **overrides: Any) -> Architecture:
    """A built-in machine with 2 x 3 PEs of 2 lanes and other keys as given: ``pe_array__lanes=4``."""
    base = {"near_memory": "near-memory", "von_neumann": "von-neumann", "systolic": "systolic-32x32"}[organization]
    lanes = {} if organization == "systolic" or overrides.get("pe_array__kind") == "coupled" else {"pe_array.lanes": 2}
    small = {"pe_array.rows": 2, "pe_array.cols": 3, **lanes}
    return load_architecture(base, {**small, **{key.replace("__", "."): value for key, value in overrides.items()}})


@st.composite
def machines(draw: st.DrawFn) -> Architecture:
    """A machine of lanes, with room for every weight and for all of its copies."""
    bits = draw(st.sampled_from([16, 64]))
    own = draw(
        st.one_of(
            st.fixed_dictionaries({"pe_array__lanes": st.integers(1, 4), "pe_array__window": st.sampled_from([1, 2, 3, 5, 16])}),
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


def lanes_of(architecture: Architecture) -> Lanes:
    """What the plain twin needs to know of a machine."""
    array = architecture.pe_array
    skip = {"FF": array.skip.ff, "EP": array.skip.ep, "WG": array.skip.wg}
    return Lanes(
        architecture.organization == "near_memory",
        array.rows,
        array.cols,
        array.lanes,
        array.window,
        skip,
        array.skip_outputs,
        array.structural_zeros,
        array.gating,
        8 * architecture.scratchpad.working_bytes,
        architecture.precision.activation,
        array.kind,
        array.fifo_depth,
        array.index_bits,
        architecture.accumulators,
    )


@st.composite
def convolutions(draw: st.DrawFn, most: int = 3) -> Network:
    """A chain of convolutions with any kernel, stride, dilation, groups and one-sided padding, with what may stand between, and a classifier."""
    builder = Builder("random", (draw(st.integers(2, 6)), draw(st.integers(2, 6)), draw(st.sampled_from([1, 2, 3, 4]))))
    for _ in range(draw(st.integers(1, most))):
        height, width, channels = builder.shapes[builder.layers[-1].name if builder.layers else INPUT]
        groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
        dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(4))
        reach = (height + padding[0] + padding[1], width + padding[2] + padding[3])
        kernel = tuple(draw(st.integers(1, min(3, (size - 1) // step + 1))) for size, step in zip(reach, dilation, strict=True))
        stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        outputs = groups * draw(st.integers(1, 3 if groups < 3 else 2))
        builder.add("conv", outputs, kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
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
def masks(draw: st.DrawFn, network: Network, samples: int, weights: bool = True) -> dict[str, np.ndarray]:
    """Masks of any tensors of a network, some of them left out: dense. Samples come before channels, steps before samples."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9]))
    found: dict[str, np.ndarray] = {}
    for layer in network.weighted:
        for role, shape in _shapes(network, layer, samples).items():
            if (role != "weight" or weights) and draw(st.integers(0, 3)):
                found[f"{layer.name}.{role}"] = random.random(shape) < density
    return found


def _shapes(network: Network, layer: Layer, samples: int) -> Mapping[str, tuple[int, ...]]:
    if layer.kind == "embedding":
        return {}
    maps = {"input": layer.in_shape, "mask": layer.in_shape, "error": layer.out_shape}
    if network.vocabulary:
        shapes = {role: (network.time_steps, samples, shape[2]) for role, shape in maps.items()}
    elif layer.kind == "conv":
        shapes = {role: (samples, *shape) for role, shape in maps.items()}
    else:
        shapes = {role: (samples, int(np.prod(shape))) for role, shape in maps.items()}
    return {**shapes, "weight": layer.weight_shape}


def trace_of(network: Network, found: Mapping[str, np.ndarray]) -> Trace:
    """A trace of masks."""
    return Trace.from_masks(network.name, "bp", "random", 0, 0, found)
