"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1) over the tokens of a map.

Its products are those of a grouped 1 x 1 convolution: each group is one head of keys of one sample,
its positions are the queries of the heads that share these keys, and its stationary operand is not
a weight but an activation. The four products of the backward pass are EP and WG of such
convolutions, and all belong to EP, because attention has no parameters. The errors at the scores
are the moving operand of both products that read them, because machines that skip one operand's
zeros skip those of the moving one.

Scores and probabilities are kept, and pass through the vector unit, as whole matrices. With
``causal`` the products skip what lies above the diagonal, on machines that skip.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import Names, Nest, product_nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.step.zero_sources import Causal, Dense, ZeroSource
from accelsim.workload.lowering import Work, operands
from accelsim.workload.network import Layer
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

SCORES = Names("k", "(h, q)", "d", product=True)
"""Letters of Q K^T: key, head and query, element of a query."""
MIXING = Names("d", "(h, q)", "k", product=True)
"""Letters of P V: element of a value, head and query, key."""
SOFTMAX_OPS = 6
"""Operations per score: scale, maximum, subtract, exp, sum, divide."""
SOFTMAX_BACK_OPS = 5
"""Operations per score: multiply by the probability, sum, subtract, multiply, scale."""


class AttentionSection(LayerSection):
    """Keys of attention. ``inputs``: queries, keys and values, in this order."""

    kind: Literal["attention"] = Field(
        description="softmax(Q K^T / sqrt(d)) V per head: `inputs` are queries, keys and values."
    )
    heads: Extent = Field(description="Heads, which divide the channels of the queries.")
    kv_heads: Extent | None = Field(
        None, description="Heads of keys and values, which divide `heads`. Default: `heads`."
    )
    causal: bool = Field(
        False, description="Whether a token attends only to itself and to earlier tokens."
    )

    several_inputs: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Attention:
        heads, shared = self.heads, self.kv_heads or self.heads
        if len(sources.names) != 3:
            sources.fault("inputs", "queries, keys and values", ", ".join(sources.names))
            return Attention(self.name, sources.names, sources.shapes, sources.shapes[0])
        query, key, value = sources.shapes
        if query[2] % heads:
            rule = f"a divisor of the {query[2]} channels of {sources.names[0]}"
            sources.fault("heads", rule, heads)
        elif heads % shared:
            sources.fault("kv_heads", f"a divisor of the {heads} heads", shared)
        elif key[2] != query[2] // heads * shared:
            rule = f"keys of {query[2] // heads * shared} channels, per head as many as queries"
            sources.fault("inputs", rule, f"{sources.names[1]} with {key[2]}")
        elif value[2] % shared:
            rule = f"values whose channels the {shared} heads of keys divide"
            sources.fault("inputs", rule, f"{sources.names[2]} with {value[2]}")
        elif key[:2] != value[:2]:
            rule = "keys and values of equal rows and columns"
            maps = " and ".join("x".join(map(str, shape[:2])) for shape in (key, value))
            sources.fault("inputs", rule, maps)
        elif self.causal and key[0] * key[1] < query[0] * query[1]:
            sources.fault("causal", "false if there are fewer keys than queries", True)
        shape = (*query[:2], value[2] // shared * heads)
        return Attention(
            self.name, sources.names, sources.shapes, shape, heads, shared, self.causal
        )


@dataclass(frozen=True)
class Attention(Layer):
    """Attention of ``heads`` heads; ``kv_heads`` heads of keys and values are shared by as many
    heads of queries each (Ainslie et al. 2023).
    """

    heads: int = 1
    kv_heads: int = 1
    causal: bool = False

    kind: ClassVar[str] = "attention"
    attends: ClassVar[bool] = True

    @property
    def queries(self) -> int:
        """Tokens of the queries."""
        return self.in_shapes[0][0] * self.in_shapes[0][1]

    @property
    def keys(self) -> int:
        """Tokens of the keys and values."""
        return self.in_shapes[1][0] * self.in_shapes[1][1]

    @property
    def sharing(self) -> int:
        """Heads of queries per head of keys."""
        return self.heads // self.kv_heads

    def scores_nest(self, samples: int) -> Nest:
        """S = Q K^T: the output channels of a group are its keys."""
        width = self.in_shapes[0][2] // self.heads
        return self._nest(samples, self.keys, width, SCORES)

    def mixing_nest(self, samples: int) -> Nest:
        """O = P V: the reduction of a group is over its keys."""
        return self._nest(samples, self.out_shape[2] // self.heads, self.keys, MIXING)

    def key_nest(self, samples: int) -> Nest:
        """Error at K: the scores' errors times Q, summed over queries."""
        width = self.in_shapes[0][2] // self.heads
        return self._nest(samples, width, self.keys, MIXING).gradient

    def _nest(self, samples: int, channels: int, depth: int, names: Names) -> Nest:
        groups = samples * self.kv_heads
        by_depth = names is MIXING
        return product_nest(groups, self.sharing, self.queries, channels, depth, names, by_depth)

    def zeros(self, samples: int) -> ZeroSource:
        """Zeros of the probabilities, and of the errors at the scores."""
        if not self.causal:
            return Dense()
        return Causal(self.queries, self.keys, samples * self.kv_heads, self.sharing)

    # Tensors

    def _scores(self, low: Lowering, name: str, role: Role, stash: bool = False) -> Value:
        shape = (self.queries, 1, self.heads * self.keys)
        return low.tensors(f"{self.name}.{name}", role, shape, stash=stash)

    def _needed(self, low: Lowering) -> tuple[Operand, ...]:
        """What lies on or below the diagonal. It is known beforehand, so no mask is read."""
        if not self.causal:
            return ()
        shape = (self.queries, self.keys)
        mask = Tensor(f"{self.name}.causal", Role.MASK, shape, stored=0, bits=1)
        return (Operand(mask, Use.NEEDED, self.zeros(low.samples)),)

    def _softmax(self, low: Lowering, function: str, ops: int) -> Work:
        scores = self.heads * self.queries * self.keys
        return Work(function, low.samples * scores, ops)

    # Ops

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF.scores``, ``<layer>.FF.softmax`` and ``<layer>.FF``."""
        query, key, value = (low.outputs[name] for name in self.inputs)
        scores = self._scores(low, "scores", Role.ACTIVATION)
        weights = self._scores(low, "probabilities", Role.ACTIVATION, stash=True)
        samples, name = low.samples, self.name
        low.contraction(
            f"{name}.FF.scores",
            name,
            Pass.FF,
            self.scores_nest(samples),
            (*operands(query, Use.MOVING), *operands(key, Use.STATIONARY), *self._needed(low)),
            scores,
        )
        low.vector(
            f"{name}.FF.softmax",
            name,
            Pass.FF,
            self._softmax(low, "softmax", SOFTMAX_OPS),
            operands(scores, Use.READ),
            weights,
        )
        out = low.tensors(f"{name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[name] = out
        low.contraction(
            f"{name}.FF",
            name,
            Pass.FF,
            self.mixing_nest(samples),
            (*self._triangular(low, weights, Use.MOVING), *operands(value, Use.STATIONARY)),
            out,
        )

    def _triangular(self, low: Lowering, value: Value, use: Use) -> tuple[Operand, ...]:
        zeros = self.zeros(low.samples)
        return tuple(Operand(tensor, use, zeros) for tensor in value)

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit the products that make the errors of the inputs that need one."""
        query, key, value = (low.outputs[name] for name in self.inputs)
        to_query, to_key, to_value = (low.target(self, place) for place in range(3))
        weights = self._scores(low, "probabilities", Role.ACTIVATION, stash=True)
        scores, mixing = self.scores_nest(low.samples), self.mixing_nest(low.samples)
        name = self.name

        def emit(part: str, nest: Nest, read: tuple[Operand, ...], made: Value) -> None:
            low.contraction(f"{name}.EP.{part}", name, Pass.EP, nest, read, made)

        if to_value is not None:
            moving = self._triangular(low, weights, Use.MOVING)
            emit("value", mixing.gradient, moving + operands(error, Use.STATIONARY), to_value)
        if to_query is None and to_key is None:
            return
        at_weights = self._scores(low, "probabilities.error", Role.ERROR)
        read = (*operands(error, Use.MOVING), *operands(value, Use.STATIONARY))
        emit("probabilities", mixing.backward, read + self._needed(low), at_weights)
        at_scores = self._scores(low, "scores.error", Role.ERROR)
        low.vector(
            f"{name}.EP.softmax",
            name,
            Pass.EP,
            self._softmax(low, "softmax_backward", SOFTMAX_BACK_OPS),
            operands((*at_weights, *weights), Use.READ),
            at_scores,
        )
        moving = self._triangular(low, at_scores, Use.MOVING)
        if to_query is not None:
            emit("query", scores.backward, moving + operands(key, Use.STATIONARY), to_query)
        if to_key is not None:
            keys = self.key_nest(low.samples)
            emit("key", keys, moving + operands(query, Use.STATIONARY), to_key)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> AttentionNumerics:
        return AttentionNumerics(self, dtype)


class AttentionNumerics(LayerNumerics):
    """Attention of each sample and head. ``probabilities``: (N, groups, heads of a group * queries,
    keys), where a group is a head of keys.
    """

    layer: Attention

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        self.query, self.key, self.value = self._queries(inputs[0]), *map(self._keys, inputs[1:])
        self.factor = 1 / sqrt(self.query.shape[3])
        scores = products.batched_product(self.query, self.key.swapaxes(2, 3))
        scores *= self.factor
        if self.layer.causal:
            scores[..., np.logical_not(self._visible())] = -np.inf
        scores -= scores.max(axis=3, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=3, keepdims=True)
        self.probabilities = scores
        return self._map(products.batched_product(scores, self.value), self.layer.out_shape)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        if not propagate:
            return ()
        at_output, weights = self._queries(error), self.probabilities
        value = products.batched_product(weights.swapaxes(2, 3), at_output)
        at_weights = products.batched_product(at_output, self.value.swapaxes(2, 3))
        at_weights *= weights
        total = at_weights.sum(axis=3, keepdims=True)
        at_scores = at_weights - weights * total
        at_scores *= self.factor
        query = products.batched_product(at_scores, self.key)
        key = products.batched_product(at_scores.swapaxes(2, 3), self.query)
        shapes = self.layer.in_shapes
        return self._map(query, shapes[0]), self._tokens(key, 1), self._tokens(value, 2)

    def _visible(self) -> NDArray[np.bool_]:
        """Where a score counts: bool (heads of a group * queries, keys)."""
        queries, keys = self.layer.queries, self.layer.keys
        latest = np.arange(queries) + keys - queries
        return np.tile(np.arange(keys) <= latest[:, None], (self.layer.sharing, 1))

    def _queries(self, maps: Array) -> Array:
        """(N, H, W, heads * d) as (N, groups, heads of a group * queries, d)."""
        layer = self.layer
        split = maps.reshape(len(maps), layer.queries, layer.kv_heads, layer.sharing, -1)
        return split.transpose(0, 2, 3, 1, 4).reshape(
            len(maps), layer.kv_heads, layer.sharing * layer.queries, -1
        )

    def _keys(self, maps: Array) -> Array:
        """(N, H, W, groups * d) as (N, groups, keys, d)."""
        split = maps.reshape(len(maps), self.layer.keys, self.layer.kv_heads, -1)
        return np.ascontiguousarray(split.transpose(0, 2, 1, 3))

    def _map(self, heads: Array, shape: tuple[int, int, int]) -> Array:
        """The inverse of `_queries`."""
        layer = self.layer
        split = heads.reshape(len(heads), layer.kv_heads, layer.sharing, layer.queries, -1)
        return np.ascontiguousarray(split.transpose(0, 3, 1, 2, 4)).reshape(-1, *shape)

    def _tokens(self, heads: Array, place: int) -> Array:
        """The inverse of `_keys`, for input number ``place``."""
        return np.ascontiguousarray(heads.transpose(0, 2, 1, 3)).reshape(
            -1, *self.layer.in_shapes[place]
        )
