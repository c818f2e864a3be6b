"""Figures 8 and 9 of Han et al. 2020: feedback weights of DFA relative to those of the proposed
rule, by layer, input size and number of classes (eq. 13).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from accelsim.config.catalog import find
from accelsim.config.loader import validate_document
from accelsim.config.source import read_document
from accelsim.layers.fully_connected import FullyConnectedSection
from accelsim.results.reproduction import Figure, Item, Panel, Series
from accelsim.step.ops import Op, Use
from accelsim.studies.papers.counting import convolutions, float_bits, propagating
from accelsim.studies.papers.han2020.printed import TABLE_2, TABLE_2_NETWORKS
from accelsim.studies.papers.outcome import Quantity, cell
from accelsim.workload.file import Workload
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve

NETWORK = "vgg16-cifar10"
GROUPS = (1, 4, 8)
SIDES = (32, 64, 96, 128, 224)
CLASSES = (10, 20, 50, 100, 200, 500, 1000)
SHOWN_LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3")
TOTAL = "total"


def vgg16(side: int = 32, classes: int = 10) -> Network:
    """VGG16 for square images with ``side`` rows, and ``classes`` classes."""
    document = read_document(find("workload", NETWORK))
    workload = validate_document(document, Workload)
    last = workload.layers[-1]
    assert isinstance(last, FullyConnectedSection)
    changed = {
        "input": workload.input.model_copy(update={"height": side, "width": side}),
        "layers": (*workload.layers[:-1], last.model_copy(update={"out_features": classes})),
    }
    return resolve(workload.model_copy(update=changed), document.place)


def words(ops: list[Op], layers: list[str]) -> dict[str, int]:
    """Distinct stationary words by layer, and their total."""
    return _stored(ops, layers, bits=False)


def _stored(ops: list[Op], layers: list[str], bits: bool) -> dict[str, int]:
    sizes = dict.fromkeys(layers, 0)
    for op in ops:
        operand = op.operand(Use.STATIONARY)
        if op.layer in sizes and operand is not None:
            sizes[op.layer] += operand.tensor.elements * (float_bits(operand.tensor) if bits else 1)
    return {**sizes, TOTAL: sum(sizes.values())}


class Ratios:
    """DFA's feedback words relative to those of other rules, for each convolution except the first,
    on one network.
    """

    def __init__(self, network: Network) -> None:
        self.layers = [layer.name for layer in network.weighted[1:] if layer.kind == "conv"]
        self._network = network
        self._dfa = propagating(network, "dfa")

    def equation(self, groups: int) -> Mapping[str, Fraction]:
        """Eq. 13 times the groups: DFA's words over k^2 och ich / G, where k^2 och ich are the
        words that EP of backpropagation reads.
        """
        dfa, forward = (
            words(self._dfa, self.layers),
            words(propagating(self._network, "bp"), self.layers),
        )
        return {layer: Fraction(dfa[layer] * groups, forward[layer]) for layer in dfa}

    def executed(self, groups: int, bits: bool = False) -> Mapping[str, Fraction]:
        """DFA's words over the words that the revised rule stores: D1 and D2 of every link.
        ``bits``: ratio of bits, with 32 bits per value against 1.
        """
        revised = convolutions(propagating(self._network, f"revised:groups={groups},binary=true"))
        dfa, proposed = _stored(self._dfa, self.layers, bits), _stored(revised, self.layers, bits)
        return {layer: Fraction(dfa[layer], proposed[layer]) for layer in dfa}


def figure_8(target: str) -> tuple[list[Item], Figure]:
    """Cells and figure of the ratio for each layer of VGG16, by eq. 13 and from executed ops."""
    ratios = Ratios(vgg16())
    items: list[Item] = []
    curves: dict[str, list[Series]] = {"eq13": [], "words": [], "bits": []}
    for groups in GROUPS:
        for name, values_by_layer, note in (
            (f"eq13-G{groups}", ratios.equation(groups), "eq. 13 times G"),
            (f"words-G{groups}", ratios.executed(groups), "D1 and D2 as executed"),
            (f"bits-G{groups}", ratios.executed(groups, bits=True), "32 bits per value over 1 bit"),
        ):
            items += [
                cell(
                    Quantity(target, f"{target}/fig8/{layer}/{name}", "x", "weights-once"),
                    None,
                    value,
                    4,
                    note=note,
                )
                for layer, value in values_by_layer.items()
            ]
            values = [float(value) for value in values_by_layer.values()]
            curves[name.partition("-")[0]].append(
                Series(f"G = {groups}", tuple(values_by_layer), values)
            )
    panels = tuple(
        Panel(title, "bars", "", label, curves[kind], log_y=True)
        for title, kind, label in (
            ("(a) eq. 13", "eq13", "DFA / proposed, words"),
            ("(b) D1 and D2 as executed", "words", "DFA / proposed, words"),
            ("(c) as stored, 32 bits over 1", "bits", "DFA / proposed, bits"),
        )
    )
    equation = ratios.equation(1)
    first, last = ratios.layers[0], ratios.layers[-1]
    cells = {
        network: (float(TABLE_2["a"]["DFA"][place]), float(TABLE_2["a"]["Revised-G8"][place]))
        for place, network in enumerate(TABLE_2_NETWORKS)
    }
    between = ", ".join(
        f"{dfa / revised:.0f} in {network}" for network, (dfa, revised) in cells.items()
    )
    front, deep = float(equation[first]), float(equation[last])
    caption = (
        "Counterpart of figure 8: feedback weights of DFA divided by those of the proposed "
        "rule, in VGG16 on CIFAR-10, for G groups. (a) Eq. 13, whose denominator is the "
        "size of the forward layer. It omits G, by which it is multiplied here. (b) The "
        "executed links: D1 has the channels of the module's end on both sides. (c) The "
        "same in bits. Above 1, DFA stores more. The paper draws two conclusions from its "
        "figure. The first, that the proposed rule saves memory in the first layers, "
        f"follows: {front:.1f} at {first}, G = 1. The second, that it saves more as the "
        "network becomes deeper, does not: within one network the ratio falls with depth, "
        f"to {deep:.3f} at {last}, where DFA stores {1 / deep:.0f} times less. Between "
        f"networks, DFA over Revised-G8 grows in table 2a as printed ({between}), but the "
        "value of R-50 rests on the DFA cell that is not reproduced. More groups move the "
        "break-even (w h classes = k^2 och / G) to deeper layers and do not change the "
        "slope."
    )
    return items, Figure(target, "han2020-fig8", "Feedback weights by layer", caption, panels)


def figure_9(target: str) -> tuple[list[Item], Figure]:
    """Cells and figure of the ratio against image size and number of classes (eq. 13, G = 1)."""
    items: list[Item] = []
    by_side = {side: Ratios(vgg16(side=side)).equation(1) for side in SIDES}
    by_classes = {classes: Ratios(vgg16(classes=classes)).equation(1) for classes in CLASSES}
    for what, by_value in (("side", by_side), ("classes", by_classes)):
        for at, ratios in by_value.items():
            ids = {layer: f"{target}/fig9/{what}={at}/{layer}" for layer in (*SHOWN_LAYERS, TOTAL)}
            items += [
                cell(
                    Quantity(target, id_, "x", "weights-once"),
                    None,
                    ratios[layer],
                    4,
                    note="eq. 13",
                )
                for layer, id_ in ids.items()
            ]
    panels = tuple(
        Panel(
            title,
            "lines",
            label,
            "DFA / proposed, feedback words",
            tuple(
                Series(
                    layer,
                    tuple(by_value),
                    tuple(float(ratios[layer]) for ratios in by_value.values()),
                )
                for layer in (*SHOWN_LAYERS, TOTAL)
            ),
            log_x=True,
            log_y=True,
        )
        for title, label, by_value in (
            ("(a) input size", "rows and columns of the image", by_side),
            ("(b) classes", "output classes", by_classes),
        )
    )
    caption = (
        "Counterpart of figure 9: eq. 13 (G = 1) on VGG16, from executed feedback ops, against (a) "
        "the image's side at 10 classes and (b) the "
        "classes at 32 x 32 pixels. The ratio grows with the square of the side and linearly with "
        "the classes."
    )
    return items, Figure(
        target, "han2020-fig9", "Scaling of DFA's feedback weights", caption, panels
    )
