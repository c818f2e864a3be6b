"""Word sizes: bits of a tensor's values in computation, in transfers and in storage."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.step.ops import Role, Tensor


def value_bits(tensor: Tensor, architecture: Machine) -> int:
    """Bits per value of the tensor on this machine."""
    if tensor.bits is not None:
        return tensor.bits
    role = "activation" if tensor.role in (Role.MASK, Role.INDEX) else tensor.role.value
    return int(getattr(architecture.precision, role))


def word_bits(tensor: Tensor, architecture: Machine) -> int:
    """Bits per word in storage or transfer: the value, and its index if the tensor is sparse."""
    index, relative = tensor.index_bits, architecture.pe_array.relative_index_bits
    if relative is not None and len(tensor.shape) > 1 and (index or _skipped(tensor, architecture)):
        index = relative
    return value_bits(tensor, architecture) + index


def access_bits(words: int, bits: int, width: int) -> int:
    """Bits of the accesses, ``width`` bits each, that move words at different addresses."""
    return words * -(-bits // width) * width


def line_bits(words: int, bits: int, width: int, runs: int = 1) -> int:
    """Bits of the accesses, ``width`` bits each, that move neighbouring words in order.

    The words are dealt to ``runs`` runs; each begins with an access of its own.
    """
    each, more = divmod(words, runs)
    lines = more * -(-(each + 1) * bits // width) + (runs - more) * -(-each * bits // width)
    return lines * width


def _skipped(tensor: Tensor, architecture: Machine) -> bool:
    """Whether the array skips zeros of such weights or feedback in a pass that multiplies with
    them.
    """
    array = architecture.pe_array
    skips = {Role.WEIGHT: (array.skip.ff, array.skip.ep), Role.FEEDBACK: (array.skip.ep,)}.get(
        tensor.role, ()
    )
    return array.skips and any(mode in {"stationary", "both"} for mode in skips)


def home_bits(tensor: Tensor, architecture: Machine) -> int:
    """Bits per word in its home: weights or feedback whose zeros are skipped have a mask bit or an
    index beside each word.
    """
    masked = architecture.pe_array.relative_index_bits is None and _skipped(tensor, architecture)
    return word_bits(tensor, architecture) + masked
