"""Partitions of the PE array to which layers and stored feedback of a near-memory machine go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.step.ops import Role, Tensor, TrainingStep


def layer_partitions(
    step: TrainingStep,
    stored: Sequence[tuple[str, Tensor]],
    architecture: Machine,
    partitions: int,
) -> tuple[dict[str, int], dict[str, int]]:
    """Partition by layer, and partition by name of stored feedback.

    - Layers, in order: to the partition with the fewest bytes so far.
    - Then feedback with a single reader, tensor by tensor: to the partition with the fewest bytes
      of such feedback, because its ops may run at once. Ties go to the partition with the fewest
      bytes.
    - Other feedback stays with its layer.

    ``stored``: (layer, tensor) of all weights and stored feedback.
    """
    readers = Counter(
        name for op in step.ops for name in {operand.tensor.name for operand in op.operands}
    )
    single = [
        tensor for _, tensor in stored if tensor.role is Role.FEEDBACK and readers[tensor.name] == 1
    ]
    single_names = {tensor.name for tensor in single}
    size: dict[str, int] = {}
    for layer, tensor in stored:
        if tensor.name not in single_names:
            size[layer] = size.get(layer, 0) + tensor.elements * word_bits(tensor, architecture)
    of_layer: dict[str, int] = {}
    held, single_bits = [0] * partitions, [0] * partitions
    for op in step.ops:
        if op.layer not in of_layer:
            lightest = (
                min(range(partitions), key=lambda part: (held[part], part))
                if op.layer in size
                else 0
            )
            of_layer[op.layer] = lightest
            held[lightest] += size.get(op.layer, 0)
    of_feedback = {
        tensor.name: of_layer[layer] for layer, tensor in stored if tensor.role is Role.FEEDBACK
    }
    for tensor in single:
        lightest = min(range(partitions), key=lambda part: (single_bits[part], held[part], part))
        of_feedback[tensor.name] = lightest
        for bits in (held, single_bits):
            bits[lightest] += tensor.elements * word_bits(tensor, architecture)
    return of_layer, of_feedback
