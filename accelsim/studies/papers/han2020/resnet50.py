"""The ResNet-50 that table 2 of Han et al. 2020 encodes: a list of layers whose maps do not fit
together, usable only for counting.

It is inferred from the printed cells (53.5 MB are exactly its 14,024,704 weights). Bottlenecks have
expansion one: each of the 3, 4, 6 and 3 blocks has 1 x 1, 3 x 3 and 1 x 1 convolutions from C to C
channels (64, 128, 256, 512). Shortcuts and the fully connected layer are those of ResNet-18.

BP's cells count the first convolution of stages 2 to 4 from C to C channels at the resolution of
the stage. The Revised cells count its link at the resolution and with the C/2 channels of its input
map, as in ResNet-18. D2 exists only on links into a block's input. This last assumption fits all
four printed cells but was chosen among many, so its confidence is moderate.
"""

from __future__ import annotations

from accelsim.layers.add import Add
from accelsim.layers.convolution import Convolution
from accelsim.layers.fully_connected import FullyConnected
from accelsim.rules.modular.ops import (
    FixedKernel,
    ModuleFeedback,
    error_zeros,
    fixed_convolution,
    moving_error,
)
from accelsim.rules.registry import ALL_PASSES
from accelsim.rules.revised.ops import revised_link
from accelsim.rules.walk.backward import lower_step
from accelsim.step.ops import Contraction, Op, Pass, Tensor
from accelsim.workload.lowering import Lowering, Value
from accelsim.workload.modules import Link, dilation_of, links
from accelsim.workload.network import INPUT, Layer, Network

STAGES = ((64, 3, 32), (128, 4, 16), (256, 6, 8), (512, 3, 4))
"""(channels, blocks, rows and columns) of each stage."""
CLASSES, IMAGE_CHANNELS = 10, 3


def layer_list(reads_map_before: bool) -> Network:
    """The layers. ``reads_map_before``: count the first convolution of stages 2 to 4 at its input
    map; else at the resolution of its stage.
    """
    layers = [_conv("conv1", INPUT, (32, IMAGE_CHANNELS), (32, STAGES[0][0]), 3)]
    ends = []
    before = STAGES[0][0]
    for stage, (channels, blocks, side) in enumerate(STAGES, 2):
        for block in range(1, blocks + 1):
            name, source = f"{stage}_{block}", layers[-1].name
            first = stage > 2 and block == 1
            reads = (2 * side, before) if first and reads_map_before else (side, channels)
            layers.append(_conv(f"conv{name}a", source, reads, (side, channels), 1))
            layers.append(
                _conv(f"conv{name}b", layers[-1].name, (side, channels), (side, channels), 3)
            )
            layers.append(
                _conv(f"conv{name}c", layers[-1].name, (side, channels), (side, channels), 1)
            )
            around = source
            if first:
                layers.append(
                    _conv(f"short{name}", source, (2 * side, before), (side, channels), 1)
                )
                around = layers[-1].name
            shape = (side, side, channels)
            layers.append(Add(f"add{name}", (f"conv{name}c", around), (shape, shape), shape))
        ends.append(f"conv{stage}_{blocks}c")
        before = channels
    layers.append(FullyConnected("fc", (layers[-1].name,), ((2, 2, before),), (1, 1, CLASSES)))
    return Network("R-50 of table 2", (32, 32, IMAGE_CHANNELS), tuple(layers), modules=tuple(ends))


def _conv(
    name: str, source: str, reads: tuple[int, int], makes: tuple[int, int], kernel: int
) -> Layer:
    (rows, channels), (out_rows, out_channels) = reads, makes
    stride, pad = rows // out_rows, kernel // 2
    return Convolution(
        name,
        (source,),
        ((rows, rows, channels),),
        (out_rows, out_rows, out_channels),
        (kernel, kernel),
        (stride, stride),
        (pad, pad, pad, pad),
    )


def revised_links(groups: int) -> list[Op]:
    """EP contractions of the Revised rows."""
    network = layer_list(reads_map_before=True)
    whole = revised_link(groups, binary=True, printed=False)

    def carry(low: Lowering, link: Link, error: Tensor, target: Value) -> None:
        layer = link.layer
        if link.dense or link.shortcut or layer.name.endswith("a"):
            whole(low, link, error, target)
            return
        moving = moving_error(error, error_zeros(link))
        kernel = FixedKernel((3, 3), dilation_of(link.kernel_at_target), groups, binary=True)
        fixed_convolution(low, layer, "d1", moving, target, kernel)

    step = lower_step(
        network,
        f"revised:groups={groups}",
        ModuleFeedback(links(network), carry),
        1,
        "momentum",
        ALL_PASSES,
    )
    return [op for op in step.ops if op.pass_ is Pass.EP and isinstance(op, Contraction)]
