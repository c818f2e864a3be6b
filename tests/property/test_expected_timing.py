"""The expected timing of lanes against the exact one, on zeros drawn independently."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.experiment.trace_choice import random_trace
from accelsim.machine.loading import load_machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.choices import choices
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.lanes.walks import LaneWalks
from accelsim.pe.registry import pe_kind
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from accelsim.zeros.densities import densities
from accelsim.zeros.masks import MaskSource
from tests.naive.zero_skip import walk
from tests.random_networks import network_of
from tests.reference_networks import Builder

NETWORK = (
    Builder("expected", (12, 12, 24))
    .add("relu")
    .add("conv", 64, kernel=(3, 3), padding=(1, 1, 1, 1))
    .add("relu")
    .add("conv", 96, kernel=(3, 3), padding=(1, 1, 1, 1), stride=(2, 2))
    .add("relu")
    .add("fc", 128)
    .add("relu")
    .add("fc", 10)
    .network()
)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("window", [1, 4, 16])
def test_a_long_stream_takes_its_expected_cycles(density: float, window: int) -> None:
    stream = (np.random.default_rng(0).random(50_000) < density).tolist()
    expected = LaneWalks(window).expected(len(stream), sum(stream))
    assert walk(stream, window) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("skip", ["moving", "both", "none"])
@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ["near-memory", "von-neumann", "dt-cnn-like"])
def test_expected_cycles_and_macs_are_near_the_exact_ones(
    name: str, density: float, skip: str
) -> None:
    modes = dict.fromkeys(("ff", "ep", "wg"), skip)
    architecture = load_machine(name, {"pe_array.skip": modes})
    step = lower(NETWORK, "bp", 4)
    masks = MaskSource(random_trace(NETWORK, density, 4, 0), NETWORK, 4)
    kind = pe_kind(architecture)
    exact, expected = kind.timing(masks), kind.expected_timing(masks)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    for op in step.ops:
        if not isinstance(op, Contraction):
            continue
        mapping = mapper.map(op)
        found, guess = exact.time(mapping, 4), expected.time(mapping, 4)
        lanes = mapping.pes * architecture.pe_array.lanes
        for timing in (found, guess):
            spent = timing.busy + timing.window_empty + timing.imbalance + timing.idle
            assert spent == timing.cycles * lanes
        assert guess.executed == pytest.approx(found.executed, rel=0.06, abs=100), op.name
        assert guess.effectual == pytest.approx(found.effectual, rel=0.06, abs=100), op.name
        # A PE of an outer product skips whole samples, of which there are few here.
        near = 0.7 if op.nest.outer_product else 0.25
        assert guess.cycles == pytest.approx(found.cycles, rel=near, abs=20), op.name


def test_densities_are_those_of_the_masks() -> None:
    step = lower(NETWORK, "bp", 2)
    trace = random_trace(NETWORK, 0.3, 2, 0)
    masks = MaskSource(trace, NETWORK, 2)
    op = step.op("conv3.FF")
    assert isinstance(op, Contraction)
    mask = np.unpackbits(trace.tensors["conv3.input"].packed, axis=-1, bitorder="little")
    known = densities(op, masks)
    assert known.moving == pytest.approx(mask[:, :64].mean())
    assert (known.stationary, known.needed) == (1.0, 1.0)


@pytest.mark.parametrize("name", ["near-memory", "von-neumann", "tensordash"])
@pytest.mark.parametrize(("kv_heads", "tokens"), [(1, 24), (4, 17)])
@pytest.mark.parametrize("skips", [True, False])
def test_zeros_of_causal_attention_are_known_beforehand(
    name: str, kv_heads: int, tokens: int, skips: bool
) -> None:
    """Cycles and MACs are the exact ones, under canonical mappings and under chosen ones."""
    network = attention(4, kv_heads, 8, tokens)
    architecture = load_machine(name, {"pe_array.skip_outputs": skips})
    step, masks = lower(network, "bp", 2), MaskSource(None, network, 2)
    kind = pe_kind(architecture)
    exact, expected = kind.timing(masks), kind.expected_timing(masks)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    for op in step.ops:
        if not isinstance(op, Contraction) or op.layer != "mix":
            continue
        tiler = Tiler(mapper, op)
        for mapping in map(tiler.mapping, choices(tiler)):
            found, guess = exact.time(mapping, 4), expected.time(mapping, 4)
            assert (guess.cycles, guess.executed, guess.effectual) == (
                found.cycles,
                found.executed,
                found.effectual,
            ), op.name


def attention(heads: int, kv_heads: int, width: int, tokens: int) -> Network:
    """One layer of causal attention on words, and a class per token."""
    narrow = width * kv_heads
    return network_of(
        {
            "name": "attention",
            "input": {"tokens": tokens, "vocabulary": 5},
            "layers": [
                {"name": "table", "kind": "embedding", "dim": 4},
                {"name": "q", "kind": "linear", "out_features": width * heads},
                {"name": "k", "kind": "linear", "out_features": narrow, "inputs": ["table"]},
                {"name": "v", "kind": "linear", "out_features": narrow, "inputs": ["table"]},
                {
                    "name": "mix",
                    "kind": "attention",
                    "inputs": ["q", "k", "v"],
                    "heads": heads,
                    "kv_heads": kv_heads,
                    "causal": True,
                },
                {"name": "end", "kind": "linear", "out_features": 5},
            ],
        }
    )
