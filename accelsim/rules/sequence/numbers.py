"""Feedback through time: ``triangular`` and the recurrent ``revised`` of Han et al. 2020 (section
3.3, eqs. 9 to 12 as amended).

Two modules. S_fc takes the output error of a time step to h of that step (eq. 10), and the cell
learns from it by its own derivatives there: e_rnn is the error at h, in a plain RNN times f'. From
the module's last cell an upper triangular matrix of blocks takes e_rnn of a step and all later ones
to each layer's input: e_emb_i = sum over j >= i of S_ij e_rnn_j (eq. 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from math import prod, sqrt
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.layers.numerics import WeightedNumerics
from accelsim.layers.recurrent_numerics import RecurrentNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.options import DirectOptions
from accelsim.rules.walk.numbers import BackwardWalk, RuleNumerics
from accelsim.workload.modules import modules_of
from accelsim.workload.network import INPUT, Layer
from accelsim.zeros.feedback import feedback_random, random_entries
from accelsim.zeros.patterns import BlocksDraw, MaskedDraw


@dataclass(frozen=True)
class SequenceOptions:
    """Options of the two rules. ``powers``: blocks are powers of one partial backward weight D, the
    revised rule's; else they are drawn.

    ``per_step``: a distinct S_fc at each time step, and of drawn blocks a distinct one for each
    pair of steps instead of one a distance.

    ``density``: entries kept, 1 - sparsity. ``from_weights``: D and S_fc start as the transposes of
    the fresh forward weights (BW initialisation, Han & Yoo 2019). ``by_distance``: the exponent is
    j - i, else the printed T - j (errata, point 4).
    """

    powers: bool = False
    density: float = 1.0
    binary: bool = False
    from_weights: bool = False
    by_distance: bool = True
    per_step: bool = False
    scale: float = 1.0


class SequenceFeedback(RuleNumerics):
    """``output_feedback``: S_fc by layer of the output's module, (steps or 1, classes, size).
    ``blocks``: by layer before it, see `Blocks`.
    """

    direct = True

    def __init__(self, model: Model, seed: int, options: SequenceOptions) -> None:
        super().__init__(model)
        network = model.network
        if not network.vocabulary or not any(layer.recurrent for layer in network.layers):
            raise InputError(f"{network.name} must have recurrent layers for triangular feedback")
        ends = modules_of(network)
        self.options = options
        self.output_feedback: dict[str, list[Stored]] = {}
        self.blocks: dict[str, Blocks] = {}
        self.source: dict[str, str] = {}
        for layer in network.weighted:
            if layer.inputs[0] == INPUT:
                continue
            if ends[layer.name] is network.output:
                self.output_feedback[layer.name] = self._output_feedback(layer, seed)
            else:
                self.source[layer.name] = _last_cell(network.weighted, ends[layer.name])
                self.blocks[layer.name] = self._blocks(
                    layer, network.layer(self.source[layer.name]), seed
                )

    def cross(
        self,
        layer: Layer,
        numerics: WeightedNumerics,
        error: Array,
        walk: BackwardWalk,
        wanted: bool,
    ) -> tuple[Array, ...]:
        numerics.learn(error)
        if not wanted:
            return ()
        if layer.name in self.blocks:
            arrived = self.blocks[layer.name].carry(
                self._cell_error(self.source[layer.name], walk.errors)
            )
        else:
            stored = self.output_feedback[layer.name]
            rows = walk.errors[self.model.network.output.name].reshape(
                len(stored), -1, prod(self.model.network.output.out_shape)
            )
            arrived = np.concatenate(
                [part.carry(error) for part, error in zip(stored, rows, strict=True)]
            )
        return (arrived.reshape(len(error), *layer.in_shape),)

    def _cell_error(self, name: str, errors: Mapping[str, Array]) -> Array:
        """e_rnn (T, N, H): the error at h, of a plain RNN at the sum before its tanh."""
        cell = cast("RecurrentNumerics", self.model.layers[name])
        found = cell.gate_errors if cell.layer.hands_on_sum_errors else errors[name]
        return np.ascontiguousarray(found).reshape(
            self.model.network.time_steps, -1, cell.layer.out_shape[2]
        )

    def _output_feedback(self, layer: Layer, seed: int) -> list[Stored]:
        options, network = self.options, self.model.network
        classes, size = prod(network.output.out_shape), prod(layer.in_shape)
        starts_as_weights = options.from_weights and layer is network.output
        draw = MaskedDraw(layer.name, size, classes, options.density, not starts_as_weights)
        steps = network.time_steps if options.per_step else 1
        matrices = []
        for entries, drawn in islice(draw.matrices(seed), steps):
            values = self._fresh_weights(layer) if drawn is None else drawn
            matrices.append(store(options.scale * values, entries, options.binary, self.model))
        return matrices

    def _fresh_weights(self, layer: Layer) -> NDArray[np.floating[Any]]:
        """Transposed forward weights (size, classes). Logits start small by design, see
        `ContractionNumerics.fresh_parameters`, which this undoes.
        """
        classes = prod(self.model.network.output.out_shape)
        weights: NDArray[np.floating[Any]] = self.model.layers[layer.name].parameters["weight"]
        transposed = weights.reshape(classes, -1).T
        return sqrt(len(transposed)) * transposed

    def _blocks(self, layer: Layer, source: Layer, seed: int) -> Blocks:
        options, steps = self.options, self.model.network.time_steps
        size, hidden = prod(layer.in_shape), source.out_shape[2]
        pairs = [(i, j) for i in range(steps) for j in range(i, steps)]
        if not options.powers:
            # One feedback through time, as there is one cell through time, unless a matrix for each
            # step is asked for.
            keys = {(i, j): (i, j) if options.per_step else (0, j - i) for i, j in pairs}
            deviation = options.scale / sqrt(hidden * steps)
            random = feedback_random(seed, layer.name)
            drawn: dict[tuple[int, int], Stored] = {}
            for key in keys.values():
                if key not in drawn:
                    drawn[key] = store(
                        random_entries((size, hidden), deviation, False, random),
                        None,
                        False,
                        self.model,
                    )
            return Blocks(steps, {pair: drawn[key] for pair, key in keys.items()})
        if size != hidden:
            raise InputError(
                f"revised must have inputs of {layer.name} as long as the state of {source.name} "
                f"({hidden}), got {size}"
            )
        random_values = not options.from_weights
        draw = BlocksDraw(layer.name, size, hidden, options.density, random_values)
        partial = draw.partial(seed) if random_values else self._candidate_weights(source)
        powers = [np.eye(hidden)]
        for _ in range(steps):
            powers.append(powers[-1] @ partial)
        kept = None if options.density == 1 else list(islice(draw.rows(seed), steps))
        exponent = {(i, j): j - i if options.by_distance else steps - j for i, j in pairs}
        if kept is None and not options.binary:
            shared = [store(options.scale * power, None, False, self.model) for power in powers]
            recurrence = (
                (partial.astype(self.model.dtype), options.scale) if options.by_distance else None
            )
            return Blocks(steps, {pair: shared[exponent[pair]] for pair in pairs}, recurrence)
        masked = {
            (i, j): store(
                options.scale * powers[exponent[i, j]],
                kept[j] if kept else None,
                options.binary,
                self.model,
            )
            for i, j in pairs
        }
        return Blocks(steps, masked)

    def _candidate_weights(self, source: Layer) -> NDArray[np.float64]:
        """Transposed recurrent weights (H, H) of the cell's candidate state, as they start."""
        hidden = source.out_shape[2]
        cell = cast("RecurrentNumerics", self.model.layers[source.name])
        weights = cell.parameters["weight"]
        candidate = cell.layer.candidate_gate * hidden
        return weights[candidate : candidate + hidden, -hidden:].T.astype(np.float64)

    def feedback_weights(self) -> dict[str, Array]:
        found = {
            f"{name}.{step}": stored.values
            for name, steps in self.output_feedback.items()
            for step, stored in enumerate(steps)
        }
        for name, blocks in self.blocks.items():
            found |= {f"{name}.{i}.{j}": stored.values for (i, j), stored in blocks.stored.items()}
        return found


@dataclass(frozen=True)
class Stored:
    """A feedback matrix: ``values`` that memory holds, and ``matrix`` (in, out), the same written
    out for multiplying.
    """

    values: Array
    matrix: Array

    def carry(self, error: Array) -> Array:
        """(N, in) -> (N, out): as many multiply-accumulates a sample as values are stored."""
        return products.stored_product(error, self.matrix, self.values.size)


def store(
    values: NDArray[np.floating], kept: NDArray[np.int64] | None, binary: bool, model: Model
) -> Stored:
    """The matrix (out, in) with its ``kept`` entries (out, kept in each row) alone; ``binary``:
    their signs times their common size (rms).

    Kept entries grow by 1 / sqrt(density), so that what the matrix carries keeps its size.
    """
    chosen = values if kept is None else np.take_along_axis(values, kept, axis=1)
    if binary:
        chosen = np.sign(chosen) * np.sqrt(np.mean(np.square(values)))
    if kept is not None:
        chosen = chosen * sqrt(values.shape[1] / kept.shape[1])
    if kept is None:
        full = chosen
    else:
        full = np.zeros_like(values)
        np.put_along_axis(full, kept, chosen, axis=1)
    return Stored(chosen.astype(model.dtype), np.ascontiguousarray(full.T, model.dtype))


class Blocks:
    """Blocks S_ij, i <= j, of an upper triangular feedback matrix, by (i, j).

    ``recurrence`` (D, scale): the blocks are scale * D**(j - i), so that what they carry is scale *
    d_i with d_i = e_i + D d_(i+1): the same numbers without the blocks, at 1/18 of the
    multiplications for 35 steps.
    """

    def __init__(
        self,
        steps: int,
        stored: Mapping[tuple[int, int], Stored],
        recurrence: tuple[Array, float] | None = None,
    ) -> None:
        self.steps = steps
        self.stored = stored
        self.recurrence = recurrence
        self._rows: list[Array] = []

    def carry(self, error: Array) -> Array:
        """(T, N, H) -> (T, N, size)."""
        return (
            self.by_blocks(error)
            if self.recurrence is None
            else self.by_recurrence(error, *self.recurrence)
        )

    def by_blocks(self, error: Array) -> Array:
        """Every block by itself, as hardware that stores them multiplies."""
        if not self._rows:
            self._rows = [
                np.concatenate([self.stored[i, j].matrix for j in range(i, self.steps)])
                for i in range(self.steps)
            ]
        carried = []
        for i, rows in enumerate(self._rows):
            later = np.ascontiguousarray(error[i:].swapaxes(0, 1)).reshape(error.shape[1], -1)
            carried.append(
                products.stored_product(
                    later, rows, sum(self.stored[i, j].values.size for j in range(i, self.steps))
                )
            )
        return np.stack(carried)

    def by_recurrence(self, error: Array, partial: Array, scale: float) -> Array:
        """The powers without the blocks."""
        carried = np.empty_like(error)
        carried[-1] = error[-1]
        for i in reversed(range(self.steps - 1)):
            carried[i] = error[i] + products.product(carried[i + 1], partial.T)
        return carried * error.dtype.type(scale)


def _last_cell(weighted: tuple[Layer, ...], end: Layer) -> str:
    """The last recurrent layer of the module that ends in ``end``."""
    before = weighted[: weighted.index(end) + 1]
    cells = [layer for layer in before if layer.recurrent]
    if not cells:
        raise InputError(
            f"modules must end in a recurrent layer before the output's, got {end.name}"
        )
    return cells[-1].name


def triangular(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> SequenceFeedback:
    """``triangular``."""
    options = SequenceOptions(per_step=rule.options.per_step, scale=rule.options.scale)
    return SequenceFeedback(model, seed, options)
