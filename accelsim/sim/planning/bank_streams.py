"""Order of global-buffer reads, and the cycles that bank conflicts add (`global_buffer.conflicts:
modelled`).

Tensors are stored channels last, from the start of bank 0: maps as (N, H, W, C), weights as (K, R,
S, C). They are read in the order in which a lane reduces over them:

- EP reads the transpose of the weights: for one input channel and tap, all K of them.
- WG reads one channel of a map after another: all positions of each.
- Everything else, tensors in compressed formats included, is read and written sequentially.
"""

from __future__ import annotations

from functools import lru_cache

from accelsim.kernels.links.banks import stream_cycles
from accelsim.machine.architecture import Machine
from accelsim.sim.planning.op_plan import Moved
from accelsim.step.ops import Contraction, Op, Use

_cycles = lru_cache(maxsize=4096)(stream_cycles)


class BankStreams:
    """Conflict cycles of one machine's global buffer."""

    def __init__(self, architecture: Machine) -> None:
        buffer = architecture.global_buffer
        self._modelled = buffer.conflicts == "modelled"
        self._banks, self._width = buffer.banks, buffer.width_bits
        lines = -(-8 * buffer.capacity_bytes // (self._banks * self._width))
        self._block_lines = lines if buffer.interleave == "block" else 0

    def wait(self, op: Op, moved: Moved) -> int:
        """Cycles that bank conflicts add to a transfer's time at the port.

        Each pass over the tensor starts at its first word.
        """
        tensor, bits = moved.transfer.tensor, moved.transfer.bits
        stride = 1 if moved.encoded else _stride(op, moved)
        if not self._modelled or not moved.bits:
            return 0
        if stride == 1:
            return self.sequential_wait(moved.bits)
        passes, rest = divmod(moved.words, tensor.elements)
        column = tensor.elements // stride
        cycles = passes * self._stream(tensor.elements, bits, column, stride) + self._stream(
            rest, bits, column, stride
        )
        return cycles - -(-moved.bits // (self._banks * self._width))

    def sequential_wait(self, bits: int) -> int:
        """Cycles that bank conflicts add to ``bits`` sequential bits."""
        lines = -(-bits // self._width)
        if not self._modelled or not self._block_lines:
            return 0
        return self._stream(lines, self._width, lines, 1) - -(-bits // (self._banks * self._width))

    def _stream(self, words: int, bits: int, column: int, stride: int) -> int:
        return (
            int(
                _cycles(
                    words, bits, max(1, column), stride, self._banks, self._width, self._block_lines
                )
            )
            if words
            else 0
        )


def _stride(op: Op, moved: Moved) -> int:
    """Distance in words between two successive reads."""
    t = moved.transfer
    if not t.inbound or not isinstance(op, Contraction):
        return 1
    use = next(
        (operand.use for operand in op.operands if operand.tensor.name == t.tensor.name), None
    )
    if op.nest.transposed and use is Use.STATIONARY:
        shape = t.tensor.shape
        return shape[-1] if op.stationary_arrives else t.tensor.elements // shape[0]
    if op.nest.sums_samples and use in {Use.MOVING, Use.STATIONARY}:
        return t.tensor.shape[-1]
    return 1
