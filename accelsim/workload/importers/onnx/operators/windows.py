"""Convolutions and pools, in one, two and, by unfolding, three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.biases import add_bias
from accelsim.workload.importers.onnx.operators.work import work_of_shape
from accelsim.workload.importers.onnx.views import Axes, View, fresh, new_axes


class Windows(NamedTuple):
    """Windows of a node: kernel, stride, dilation, and zeros before and after, per spatial axis.
    Zeros after include those that ``ceil_mode`` adds.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def padded(self) -> bool:
        return any(self.before) or any(self.after)

    def keys(self, dilated: bool = True) -> dict[str, Any]:
        """Keys of a layer with two-dimensional windows, without those that have their default."""
        kernel, stride, dilation, before, after = map(_two_dimensional, self)
        keys: dict[str, Any] = {"kernel": _short(kernel), "stride": _short(stride)}
        if self.padded:
            pads = (before[0], after[0], before[1], after[1])
            keys["padding"] = _short(before) if before == after else pads
        if dilated and dilation != (1, 1):
            keys["dilation"] = _short(dilation)
        return keys


def _two_dimensional(sizes: tuple[int, ...]) -> tuple[int, int]:
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (sizes[0], 1)


def _short(sizes: tuple[int, int]) -> int | tuple[int, int]:
    return sizes[0] if sizes[0] == sizes[1] else sizes


def windows_of(
    node: Node, kernel: Sequence[int], extents: Sequence[int], outputs: Sequence[int]
) -> Windows:
    """Windows over spatial ``extents`` that give ``outputs`` positions."""
    rank, attributes = len(kernel), node.attributes
    stride = tuple(attributes.get("strides") or (1,) * rank)
    dilation = tuple(attributes.get("dilations") or (1,) * rank)
    pads = list(attributes.get("pads") or (0,) * 2 * rank)
    before, after = pads[:rank], pads[rank:]
    automatic = attributes.get("auto_pad", "NOTSET")
    for axis in range(rank):
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        total = (outputs[axis] - 1) * stride[axis] + reach - extents[axis]
        if automatic in ("SAME_UPPER", "SAME_LOWER"):
            total = max(0, total)
            less, more = total // 2, total - total // 2
            before[axis], after[axis] = (less, more) if automatic == "SAME_UPPER" else (more, less)
        elif automatic == "VALID":
            before[axis] = after[axis] = 0
        else:
            # Windows that ceil_mode adds; floor mode never needs more than the padding.
            after[axis] = max(after[axis], total - before[axis])
    if len(kernel) == 1:  # the second dimension of a map has no windows
        stride, dilation = (stride[0],), (dilation[0],)
    return Windows(tuple(kernel), stride, dilation, tuple(before), tuple(after))


def _pad_columns(windows: Windows) -> Windows:
    """The windows of a sequence as those of a map of one column."""
    if len(windows.kernel) != 1:
        return windows
    kernel, stride, dilation, before, after = ((*sizes, extra) for sizes, extra in zip(
        windows, (1, 1, 1, 0, 0), strict=True
    ))  # fmt: skip
    return Windows(kernel, stride, dilation, before, after)


def image(e: Emitter, view: View, node: Node) -> View | None:
    """The value (N, C, spatial...) in a map of its rows, columns and channels; None if it has more
    spatial axes, or counts more than samples on its first axis.
    """
    rank = len(view.axes) - 2
    if rank not in (1, 2) or view.sample_axis(0) or view.has_batch(1):
        return None
    return e.by_axes(view, node, (2,), (3,) if rank == 2 else (), (1,))


def convolution(e: Emitter, node: Node, data: int = 0, weights: int = 1, bias: int = 2) -> bool:
    """Conv, and its quantized forms with other places of data and weights."""
    view = e.view(node.input(data))
    if view is None or not e.fixed(node.input(weights)):
        return False
    weight = e.shape(node, node.input(weights))
    shape = e.shape(node, node.outputs[0])
    extents = view.shape[2:]
    windows = windows_of(node, weight[2:], extents, shape[2:])
    groups = int(node.attributes.get("group", 1))
    source = image(e, view, node)
    sides = windows.before + windows.after
    if source is None or min(sides) < 0 or max(sides) > 1 << 16:
        layer, axes = _unfolded(e, view, node, weight, shape, groups)
        home = fresh(layer, axes, rows=(0, *range(2, len(shape))), channels=(1,))
    else:
        keys = _pad_columns(windows).keys()
        if keys["stride"] == 1:
            del keys["stride"]
        if groups > 1:
            keys["groups"] = groups
        layer = e.emit(node, "conv", [source.layer], out_channels=weight[0], **keys)
        axes = (view.axes[0], *new_axes(shape)[1:])
        home = fresh(layer, axes, (2,), (3,) if len(shape) == 4 else (), (1,))
    e.set(node.outputs[0], add_bias(e, node, home, node.input(bias)))
    return True


def _unfolded(
    e: Emitter,
    view: View,
    node: Node,
    weight: tuple[int, ...],
    shape: tuple[int, ...],
    groups: int,
) -> tuple[str, Axes]:
    """A convolution that no layer describes: its windows are copied out, then multiplied. The
    products are the same.
    """
    axes = (view.axes[0], *new_axes(shape)[1:])
    batch = prod(atom.size for atom in view.axes[0] if atom.batch)
    positions = prod(shape) // shape[1] // batch
    length = prod(weight[1:]) * groups
    copied = e.vector_work(node, [view.layer], (positions, 1, length), 0, "windows")
    keys: dict[str, Any] = {"groups": groups} if groups > 1 else {}
    return e.emit(node, "conv", [copied], out_channels=weight[0], kernel=1, **keys), axes


def quantized_convolution(e: Emitter, node: Node) -> bool:
    """QLinearConv: (x, scale, zero, w, scale, zero, scale, zero, bias)."""
    return convolution(e, node, 0, 3, 8)


def integer_convolution(e: Emitter, node: Node) -> bool:
    """ConvInteger, which has no bias."""
    return convolution(e, node, 0, 1, 99)


def transposed_convolution(e: Emitter, node: Node) -> bool:
    """ConvTranspose."""
    view = e.view(node.inputs[0])
    if view is None or not e.fixed(node.inputs[1]):
        return False
    source = image(e, view, node)
    weight = e.shape(node, node.inputs[1])
    shape = e.shape(node, node.outputs[0])
    groups = int(node.attributes.get("group", 1))
    channels = weight[1] * groups
    windows = _cut_windows(node, weight[2:], view.shape[2:], shape[2:])
    axes = (view.axes[0], *new_axes(shape)[1:])
    if source is not None and windows is not None and e.known("conv_transpose"):
        cut, extra = windows
        keys = _pad_columns(cut).keys()
        if any(extra):
            keys["output_padding"] = _short(_two_dimensional((*extra, 0)))
        if groups > 1:
            keys["groups"] = groups
        layer = e.emit(node, "conv_transpose", [source.layer], out_channels=channels, **keys)
        result = fresh(layer, axes, (2,), (3,) if len(shape) == 4 else (), (1,))
    else:
        # The same products, whose results are then added up where windows overlap.
        view = e.with_channels(view, 1, node)
        keys = {"groups": groups} if groups > 1 else {}
        taps = channels * prod(weight[2:])
        many = e.emit(node, "conv", [view.layer], "taps", out_channels=taps, kernel=1, **keys)
        batch = prod(atom.size for atom in view.axes[0] if atom.batch)
        size = (prod(shape) // channels // batch, 1, channels)
        layer = e.vector_work(node, [many], size, 1, "windows")
        result = fresh(layer, axes, (0, *range(2, len(shape))), (), (1,))
    e.set(node.outputs[0], add_bias(e, node, result, node.input(2)))
    return True


def _cut_windows(
    node: Node, kernel: Sequence[int], extents: Sequence[int], outputs: Sequence[int]
) -> tuple[Windows, tuple[int, ...]] | None:
    """(windows, extra extents of the output) of a transposed convolution; the padding is what is
    cut off the output. None if no layer has them.
    """
    rank, attributes = len(kernel), node.attributes
    stride = tuple(attributes.get("strides") or (1,) * rank)
    dilation = tuple(attributes.get("dilations") or (1,) * rank)
    full = [
        (size - 1) * step + spread * (taps - 1) + 1
        for size, step, spread, taps in zip(extents, stride, dilation, kernel, strict=True)
    ]
    cut = [whole - out for whole, out in zip(full, outputs, strict=True)]
    before = list((attributes.get("pads") or (0,) * rank)[:rank])
    automatic = attributes.get("auto_pad", "NOTSET")
    if automatic.startswith("SAME") or attributes.get("output_shape"):
        before = [max(0, each) // 2 for each in cut]
        if automatic == "SAME_LOWER":
            before = [max(0, each) - max(0, each) // 2 for each in cut]
    after = [each - less for each, less in zip(cut, before, strict=True)]
    extra = tuple(max(0, -each) for each in after)
    fits = all(
        each < max(step, spread) for each, step, spread in zip(extra, stride, dilation, strict=True)
    )
    if rank > 2 or not fits:
        return None
    ends = tuple(max(0, each) for each in after)
    return Windows(tuple(kernel), stride, dilation, tuple(before), ends), extra


def pool(e: Emitter, node: Node) -> bool:
    """MaxPool and AveragePool."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    shape = e.shape(node, node.outputs[0])
    kernel = tuple(node.attributes.get("kernel_shape", ()))
    source = image(e, view, node)
    windows = windows_of(node, kernel, view.shape[2:], shape[2:])
    fits = all(
        0 <= pad < size
        for pad, size in zip(windows.before + windows.after, kernel * 2, strict=True)
    )
    if source is None or not fits or any(size != 1 for size in windows.dilation):
        work_of_shape(e, node, [view.layer], prod(kernel))
        return True
    kind = "max_pool" if node.op == "MaxPool" else "avg_pool"
    keys = _pad_columns(windows).keys(dilated=False)
    if keys["stride"] == keys["kernel"]:
        del keys["stride"]
    layer = e.emit(node, kind, [source.layer], **keys)
    axes = (view.axes[0], view.axes[1], *new_axes(shape)[2:])
    e.made(node, layer, axes, (2,), (3,) if len(shape) == 4 else (), (1,))
    return True


def global_pool(e: Emitter, node: Node) -> bool:
    """GlobalAveragePool and GlobalMaxPool."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    source = image(e, view, node)
    if source is None:
        return False
    if node.op == "GlobalAveragePool":
        layer = e.emit(node, "global_avg_pool", [source.layer])
    else:
        layer = e.emit(node, "max_pool", [source.layer], kernel=_short(source.map_shape[:2]))
    axes = (view.axes[0], view.axes[1], *((),) * (len(view.axes) - 2))
    e.made(node, layer, axes, channels=(1,))
    return True
