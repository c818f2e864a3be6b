"""Numbers of feedback over time: ``triangular`` and the recurrent ``revised`` of Han et al. 2020
(section 3.3, eqs. 9 to 12 as amended).

There are two modules. In the output's module, feedback S_fc carries the output error of a time step
to h of that step (eq. 10). The cell learns from it with its own derivatives at that step. e_rnn is
the error at h, in a plain RNN multiplied by f'. For each layer before that module, an upper
triangular matrix of blocks carries e_rnn of the last cell to the layer's input, from the same and
all later steps: e_emb_i = sum over j >= i of S_ij e_rnn_j (eq. 12).
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
    """Options of the two rules.

    ``powers``: blocks are powers of one partial backward weight D, as in the revised rule; else
    each block is drawn. ``per_step``: a separate S_fc for each time step and, if blocks are drawn,
    a separate block for each pair of steps instead of one per distance. ``density``: fraction of
    entries kept, 1 - sparsity. ``binary``: entries of one bit. ``from_weights``: D and S_fc start
    as the transposes of the initial forward weights (BW initialisation, Han & Yoo 2019).
    ``by_distance``: the exponent of block (i, j) is j - i, else T - j as printed (errata, point 4).
    ``scale``: factor of all feedback values.
    """

    powers: bool = False
    density: float = 1.0
    binary: bool = False
    from_weights: bool = False
    by_distance: bool = True
    per_step: bool = False
    scale: float = 1.0


class SequenceFeedback(RuleNumerics):
    """Feedback over time for one model.

    ``output_feedback``: S_fc by layer of the output's module, one matrix or one per time step, each
    (size, classes). ``blocks``: by earlier layer, see `Blocks`. Raises InputError if the network
    has no recurrent layers or if a module before the output's contains none.
    """

    direct = True

    def __init__(self, model: Model, seed: int, options: SequenceOptions) -> None:
        super().__init__(model)
        network = model.network
        if not network.unrolled or not any(layer.recurrent for layer in network.layers):
            raise InputError(f"{network.name} must have recurrent layers for triangular feedback")
        ends = modules_of(network)
        self.options = options
        self.output_feedback: dict[str, list[Stored]] = {}
        self.blocks: dict[str, Blocks] = {}
        self.source: dict[str, str] = {}
        for layer in network.weighted:
            if layer.inputs[0] == INPUT:
                continue
            if ends[layer.name] is network.classifier:
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
        """e_rnn (T, N, H): the error at h, or in a plain RNN at the sum before tanh."""
        cell = cast("RecurrentNumerics", self.model.layers[name])
        error = cell.gate_errors if cell.layer.hands_on_sum_errors else errors[name]
        return np.ascontiguousarray(error).reshape(
            self.model.network.time_steps, -1, cell.layer.out_shape[2]
        )

    def _output_feedback(self, layer: Layer, seed: int) -> list[Stored]:
        """S_fc of a layer, per time step or once."""
        options, network = self.options, self.model.network
        classes, size = prod(network.output.out_shape), prod(layer.in_shape)
        starts_as_weights = options.from_weights and layer is network.classifier
        draw = MaskedDraw(layer.name, size, classes, options.density, not starts_as_weights)
        steps = network.time_steps if options.per_step else 1
        matrices = []
        for entries, drawn in islice(draw.matrices(seed), steps):
            values = self._fresh_weights(layer) if drawn is None else drawn
            matrices.append(store(options.scale * values, entries, options.binary, self.model))
        return matrices

    def _fresh_weights(self, layer: Layer) -> NDArray[np.floating[Any]]:
        """Transposed initial weights (size, classes) of a layer, with unit gain: the small initial
        scale of a logits layer is undone (see `ContractionNumerics.fresh_parameters`).
        """
        classes = prod(self.model.network.output.out_shape)
        weights: NDArray[np.floating[Any]] = self.model.layers[layer.name].parameters["weight"]
        transposed = weights.reshape(classes, -1).T
        return sqrt(len(transposed)) * transposed

    def _blocks(self, layer: Layer, source: Layer, seed: int) -> Blocks:
        """Blocks from the cell ``source`` to the input of ``layer``."""
        options, steps = self.options, self.model.network.time_steps
        size, hidden = prod(layer.in_shape), source.out_shape[2]
        pairs = [(i, j) for i in range(steps) for j in range(i, steps)]
        if not options.powers:
            # By default one block per distance j - i, because one cell serves all time steps. With
            # per_step, one block per pair of steps.
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
        entries = None if options.density == 1 else list(islice(draw.rows(seed), steps))
        exponent = {(i, j): j - i if options.by_distance else steps - j for i, j in pairs}
        if entries is None and not options.binary:
            shared = [store(options.scale * power, None, False, self.model) for power in powers]
            recurrence = (
                (partial.astype(self.model.dtype), options.scale) if options.by_distance else None
            )
            return Blocks(steps, {pair: shared[exponent[pair]] for pair in pairs}, recurrence)
        masked = {
            (i, j): store(
                options.scale * powers[exponent[i, j]],
                entries[j] if entries else None,
                options.binary,
                self.model,
            )
            for i, j in pairs
        }
        return Blocks(steps, masked)

    def _candidate_weights(self, source: Layer) -> NDArray[np.float64]:
        """Transposed initial recurrent weights (H, H) of the cell's candidate state."""
        hidden = source.out_shape[2]
        cell = cast("RecurrentNumerics", self.model.layers[source.name])
        weights = cell.parameters["weight"]
        candidate = cell.layer.candidate_gate * hidden
        return weights[candidate : candidate + hidden, -hidden:].T.astype(np.float64)

    def feedback_weights(self) -> dict[str, Array]:
        arrays = {
            f"{name}.{step}": stored.values
            for name, steps in self.output_feedback.items()
            for step, stored in enumerate(steps)
        }
        for name, blocks in self.blocks.items():
            arrays |= {f"{name}.{i}.{j}": stored.values for (i, j), stored in blocks.stored.items()}
        return arrays


@dataclass(frozen=True)
class Stored:
    """A feedback matrix in two forms: ``values``, the stored values, and ``matrix`` (in, out), the
    dense matrix used for the product.
    """

    values: Array
    matrix: Array

    def carry(self, error: Array) -> Array:
        """Product (N, in) -> (N, out). It counts one MAC per sample and stored value."""
        return products.stored_product(error, self.matrix, self.values.size)


def store(
    values: NDArray[np.floating], entries: NDArray[np.int64] | None, binary: bool, model: Model
) -> Stored:
    """Feedback matrix with the ``entries`` of ``values`` (out, in), or all if None. ``entries``
    holds column indices, (out, entries kept per row). If ``binary``, entries are their signs times
    a common magnitude (the rms of ``values``).

    Kept entries are multiplied by 1 / sqrt(density), so that products keep their magnitude.
    """
    chosen = values if entries is None else np.take_along_axis(values, entries, axis=1)
    if binary:
        chosen = np.sign(chosen) * np.sqrt(np.mean(np.square(values)))
    if entries is not None:
        chosen = chosen * sqrt(values.shape[1] / entries.shape[1])
    if entries is None:
        full = chosen
    else:
        full = np.zeros_like(values)
        np.put_along_axis(full, entries, chosen, axis=1)
    return Stored(chosen.astype(model.dtype), np.ascontiguousarray(full.T, model.dtype))


class Blocks:
    """Blocks S_ij, i <= j, of an upper triangular feedback matrix, by (i, j).

    ``recurrence`` is (D, scale) if the blocks are scale * D**(j - i), else None. The product then
    equals scale * d_i, with d_i = e_i + D d_(i+1). That gives the same numbers with 1/18 of the
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
        """Product (T, N, H) -> (T, N, size)."""
        return (
            self.by_blocks(error)
            if self.recurrence is None
            else self.by_recurrence(error, *self.recurrence)
        )

    def by_blocks(self, error: Array) -> Array:
        """Product with every block, as hardware that stores the blocks computes it."""
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
        """Product by the recurrence, without the blocks."""
        carried = np.empty_like(error)
        carried[-1] = error[-1]
        for i in reversed(range(self.steps - 1)):
            carried[i] = error[i] + products.product(carried[i + 1], partial.T)
        return carried * error.dtype.type(scale)


def _last_cell(weighted: tuple[Layer, ...], end: Layer) -> str:
    """Name of the last recurrent layer of the module that ends in ``end``. Raises InputError if
    there is none.
    """
    before = weighted[: weighted.index(end) + 1]
    cells = [layer for layer in before if layer.recurrent]
    if not cells:
        raise InputError(
            f"modules must end in a recurrent layer before the output's, got {end.name}"
        )
    return cells[-1].name


def triangular(model: Model, seed: int, rule: RuleSpec[DirectOptions]) -> SequenceFeedback:
    """Numbers of ``triangular``. Raises InputError like `SequenceFeedback`."""
    options = SequenceOptions(per_step=rule.options.per_step, scale=rule.options.scale)
    return SequenceFeedback(model, seed, options)
