"""The Gaussian error linear unit, exact and with tanh."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, prod, sqrt
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.input_activation import InputActivation
from accelsim.layers.numerics import InputActivationNumerics
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.workload.lowering import Work
from accelsim.workload.section import LayerSection, Sources

Formula = Literal["erf", "tanh"]

FORWARD_OPS = {"erf": 5, "tanh": 8}
"""Operations per element. erf: u = x / sqrt(2) 1, erf 1, add 1, times x / 2 2. tanh:
x * (a + b * x * x) 4, tanh 1, add 1, times x / 2 2.
"""
DERIVATIVE_OPS = {"erf": 10, "tanh": 15}
"""Operations per element. erf: P = (1 + erf(u)) / 2 with u = x / sqrt(2) 4; p = exp(-u * u) times
1 / sqrt(2 pi) 3; (P + x * p) * e 3. tanh: t = tanh(x * (a + b * x * x)) 5; a + 3 b * x * x 2;
1 - t * t 2; ((1 + t) + x * these two) / 2 * e 6.
"""

SLOPE, CUBIC = sqrt(2 / pi), 0.044715
"""tanh(SLOPE * (x + CUBIC * x^3)) is close to erf(x / sqrt(2)) (Hendrycks & Gimpel 2016)."""


class GeluSection(LayerSection):
    """The Gaussian error linear unit, element by element."""

    kind: Literal["gelu"] = Field(
        description="Gaussian error linear unit, x * P(X <= x) of a standard normal X."
    )
    form: Formula = Field(
        "erf",
        description="`erf`: x / 2 * (1 + erf(x / sqrt(2))). `tanh`: "
        "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), which is close to it.",
    )

    def layer(self, sources: Sources) -> Gelu:
        return Gelu(self.name, sources.names, sources.shapes, sources.shapes[0], form=self.form)


@dataclass(frozen=True)
class Gelu(InputActivation):
    """x times the distribution function of the standard normal distribution."""

    form: Formula = "erf"

    kind: ClassVar[str] = "gelu"

    def work(self) -> Work:
        operations = FORWARD_OPS[self.form]
        return Work("activation", prod(self.out_shape), operations, Form.ELEMENTWISE)

    def work_back(self) -> Work:
        operations = DERIVATIVE_OPS[self.form]
        return Work("activation_derivative", prod(self.out_shape), operations, Form.ELEMENTWISE)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> InputActivationNumerics:
        return GeluNumerics(self, dtype) if self.form == "erf" else TanhGeluNumerics(self, dtype)


class GeluNumerics(InputActivationNumerics):
    """y = x * P(x), elementwise; P is the distribution function, p its density."""

    def value(self, maps: Array) -> Array:
        return maps * _distribution(maps)

    def derivative(self, maps: Array) -> Array:
        density = np.exp(-0.5 * maps * maps) * (1 / sqrt(2 * pi))
        return _distribution(maps) + maps * density


class TanhGeluNumerics(InputActivationNumerics):
    """y = x / 2 * (1 + tanh(SLOPE * (x + CUBIC * x^3))), elementwise."""

    def value(self, maps: Array) -> Array:
        return 0.5 * maps * (1 + self._tanh(maps))

    def derivative(self, maps: Array) -> Array:
        tanh = self._tanh(maps)
        inner = SLOPE * (1 + 3 * CUBIC * maps * maps)
        return 0.5 * (1 + tanh + maps * (1 - tanh * tanh) * inner)

    def _tanh(self, maps: Array) -> Array:
        return np.tanh(SLOPE * maps * (1 + CUBIC * maps * maps))


def _distribution(maps: Array) -> Array:
    from scipy.special import ndtr

    result: Array = ndtr(maps)
    return result
