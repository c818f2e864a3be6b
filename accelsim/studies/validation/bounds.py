"""Structural bounds: the speedup possible by removing zeros of stride and dilation, the speedup
that remains with a window of 16 positions, and the bound of coupled lanes.

Maps have no padding and all operands are dense. The only zeros are therefore structural, and the
bounds are reached exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from accelsim.kernels.coupled.staging import batch_cycles
from accelsim.machine.loading import load_machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.pe.registry import pe_kind
from accelsim.step.contraction import Nest, convolution_nest
from accelsim.step.ops import Contraction, Operand, Pass, Role, Tensor, TrainingStep, Use
from accelsim.step.window import Window
from accelsim.studies.validation.check import Check
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource

WINDOW = 16
CHANNELS = 64
"""A multiple of the window, so that channels of zeros fill whole windows."""
DILATIONS = (2, 4, 18, 19)
"""Small dilations, and the two between whose bounds lies the 159x reported by Im et al. (TCAS-I
2020).
"""

DENSITIES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
STREAMS, ROWS = 256, 3 * 48
COUPLED = "a staging buffer of three rows advances by three at most (Mahmoud et al., MICRO 2020)"
STRIDE = "4: one in four pixels of the error map spread by a stride of 2 is an error"
DILATED = "((2d+1)/3)^2: a 3x3 kernel of dilation d covers (2d+1)^2 positions"
STREAM = "cycles of a stream: set bits + floor(gap / W) for leading and inner gaps + ceil(tail / W)"


def checks() -> list[Check]:
    """Bounds of stride and dilation in cycles, with zeros removed and through the window; the MACs
    of the strided op; and the bound of coupled lanes.
    """
    op = strided()
    removed, windowed = speedup(op, "removed"), speedup(op, "window")
    through = 4 / (1 + Fraction(3, WINDOW))
    subject = "EP of a 2x2 convolution, stride 2"
    results = [
        _exact(
            subject,
            "dense over effectual MACs",
            Fraction(4),
            Fraction(op.dense_macs, effectual(op)),
            STRIDE,
            "",
        ),
        _exact(
            subject,
            "speedup, zeros removed",
            Fraction(4),
            removed,
            STRIDE,
            "Im et al. (TCAS-I 2020) report 3.84x",
        ),
        _exact(
            subject,
            f"speedup, window of {WINDOW}",
            through,
            windowed,
            STREAM,
            f"4 / (1 + 3/{WINDOW})",
        ),
    ]
    for d in DILATIONS:
        op, positions = dilated(d), (2 * d + 1) ** 2
        subject = f"FF of a 3x3 convolution, dilation {d}"
        note = "Im et al. (TCAS-I 2020) report 159x at most" if d in {18, 19} else ""
        results.append(
            _exact(
                subject,
                "speedup, zeros removed",
                Fraction(positions, 9),
                speedup(op, "removed"),
                DILATED,
                note,
            )
        )
        through, formula = (
            positions / (9 + Fraction(positions - 9, WINDOW)),
            f"n / (9 + (n - 9)/{WINDOW}), n = (2d+1)^2",
        )
        results.append(
            _exact(
                subject,
                f"speedup, window of {WINDOW}",
                through,
                speedup(op, "window"),
                STREAM,
                formula,
            )
        )
    return [*results, *_coupled()]


def _coupled() -> Iterator[Check]:
    """Speedup of lanes that share a staging buffer of three rows. It is at most three, which is
    reached if there is no work.
    """
    random = np.random.default_rng(STREAMS)
    for density in DENSITIES:
        set_bits = random.random((STREAMS, ROWS, 16)) < density
        rows = (set_bits << np.arange(16)).sum(axis=2).astype(np.uint16)
        gain = STREAMS * ROWS / int(batch_cycles(rows).sum())
        exact = {0.0: 3.0, 1.0: 1.0}.get(density)
        holds = 1 <= gain <= 3 if exact is None else gain == exact
        limit = "1 to 3" if exact is None else "equal"
        yield Check(
            f"coupled lanes, pairs of density {density:g}",
            "speedup over dense",
            exact,
            gain,
            "x",
            limit,
            holds,
            COUPLED,
            "random pairs",
        )


def _exact(
    subject: str, quantity: str, expected: Fraction, measured: Fraction, source: str, note: str
) -> Check:
    return Check(
        subject,
        quantity,
        float(expected),
        float(measured),
        "x",
        "equal",
        measured == expected,
        source,
        note,
    )


def strided() -> Contraction:
    """EP with non-overlapping 2x2 kernels: each pixel of the 8x8 input map receives one error of a
    4x4 map.
    """
    window = Window(size=8, positions=4, taps=2, stride=2)
    nest = convolution_nest(1, CHANNELS, CHANNELS, window, window)
    return _op(Pass.EP, nest.backward, 2)


def dilated(d: int) -> Contraction:
    """FF of a 3x3 kernel with dilation ``d``, over a map that its 4x4 output positions cover
    completely.
    """
    window = Window(size=4 + 2 * d, positions=4, taps=3, dilation=d)
    return _op(Pass.FF, convolution_nest(1, CHANNELS, CHANNELS, window, window), 3)


def _op(pass_: Pass, nest: Nest, kernel: int) -> Contraction:
    role = Role.ERROR if pass_ is Pass.EP else Role.ACTIVATION
    moving = Tensor("moving", role, (1, nest.rows.size, nest.columns.size, CHANNELS))
    out = Tensor("out", role, (1, nest.rows.positions, nest.columns.positions, CHANNELS))
    shape = (CHANNELS, kernel, kernel, CHANNELS)
    weights = Tensor("weight", Role.WEIGHT, shape, persistent=True, home_channels=CHANNELS)
    operands = (Operand(moving, Use.MOVING), Operand(weights, Use.STATIONARY))
    return Contraction(f"conv.{pass_}", "conv", pass_, operands, (out,), (), nest)


def speedup(op: Contraction, structural_zeros: str) -> Fraction:
    """Cycles of lanes that visit every position, divided by cycles of lanes that skip zeros of the
    moving operand.
    """
    return Fraction(_time(op, "window", "none")[0], _time(op, structural_zeros, "moving")[0])


def effectual(op: Contraction) -> int:
    """MACs of the op with both operands non-zero."""
    return _time(op, "removed", "moving")[1]


def _time(op: Contraction, structural_zeros: str, skip: str) -> tuple[int, int]:
    """(cycles, effectual MACs) on lanes."""
    changes = {
        "pe_array.window": WINDOW,
        "pe_array.structural_zeros": structural_zeros,
        "pe_array.skip": dict.fromkeys(("ff", "ep", "wg"), skip),
    }
    architecture = load_machine("von-neumann", changes)
    mapper = Mapper(architecture, allocate(TrainingStep("bounds", "bp", 1, (op,)), architecture, 1))
    masks = MaskSource(None, Network("bounds", (1, 1, 1), ()), 1)
    timing = pe_kind(architecture).timing(masks).time(mapper.map(op), 1)
    return timing.cycles, timing.effectual
