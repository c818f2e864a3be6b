"""Numbers printed in the papers that the study follows, each with its source. No number here is
measured by accelsim.

Sources: Han, Park, Ryu and Yoo 2020 (arXiv:2006.12830), Table 1 (section 4.1, 8th page) and Table 3
(section 4.2, 10th page); Crafton, Parihar, Gebhardt and Raychowdhury 2019 (Frontiers in
Neuroscience 13:525), results section and figures 5 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Printed:
    """Accuracies in percent. ``row``: the table's line."""

    row: str
    training: float
    test: float


HAN_TABLE_1 = "Han et al. 2020, Table 1 (arXiv:2006.12830, section 4.1, p. 8)"
HAN_TABLE_3 = "Han et al. 2020, Table 3 (arXiv:2006.12830, section 4.2, p. 10)"

_TABLE_1: tuple[tuple[str, str, tuple[float, float], tuple[float, float]], ...] = (
    # Rule here, row in the paper, VGG16 (training, test), ResNet-18 (training, test). Rows are
    # cumulative: "+Modularization" extends "Convolutional DFA", and conv-dfa here has modules. The
    # paper's row without modules, and dense feedback from a module's end (modular here), have no
    # counterpart.
    ("bp", "BP", (99.91, 92.68), (99.94, 92.74)),
    ("dfa", "Original DFA", (86.66, 77.78), (66.53, 66.19)),
    ("conv-dfa", "+Modularization", (84.96, 78.56), (88.99, 79.60)),
    ("dilated", "+Dilation", (81.22, 77.41), (88.05, 78.09)),
    (
        "revised:groups=4",
        "+Group Convolution & Channel Shuffling, 4",
        (82.60, 76.85),
        (88.99, 79.09),
    ),
    (
        "revised:groups=8",
        "+Group Convolution & Channel Shuffling, 8",
        (80.75, 77.5),
        (87.94, 79.03),
    ),
    ("hdfa:p=0.1,groups=4", "+BP/BDFA = 0.1/0.9, 4", (93.39, 87.92), (94.05, 88.35)),
    ("hdfa:p=0.3,groups=4", "+BP/BDFA = 0.3/0.7, 4", (97.45, 90.15), (97.66, 91.10)),
    ("hdfa:p=0.5,groups=4", "+BP/BDFA = 0.5/0.5, 4", (98.90, 91.10), (99.18, 91.78)),
)

_TABLE_3: tuple[
    tuple[str, str, tuple[float, float], tuple[float, float], tuple[float, float]], ...
] = (
    # Rule here, row in the paper, RNN (training, test), LSTM (training, test), GRU (same).
    ("bp", "BP", (29.55, 23.00), (32.24, 24.48), (32.53, 24.52)),
    ("dfa:per_step=true", "Original DFA", (20.69, 18.35), (20.84, 19.19), (19.62, 18.15)),
    ("triangular", "+ Triangular BW", (22.93, 20.33), (23.30, 20.70), (23.04, 20.65)),
    ("revised:init=bw", "+ BW Init", (24.30, 21.00), (24.54, 21.19), (24.77, 21.35)),
    (
        "hdfa:p=0.1,init=bw,sparsity=0.98",
        "+BP/BDFA* = 0.1/0.9, 98%",
        (26.12, 22.42),
        (28.10, 23.97),
        (30.19, 24.23),
    ),
    (
        "hdfa:p=0.2,init=bw,sparsity=0.98",
        "+BP/BDFA* = 0.2/0.8, 98%",
        (26.84, 22.63),
        (29.89, 24.37),
        (31.14, 24.41),
    ),
)

_PRINTED: dict[tuple[str, str], Printed] = {}
for _rule, _row, _vgg, _resnet in _TABLE_1:
    _PRINTED["vgg16-cifar10", _rule] = Printed(_row, *_vgg)
    _PRINTED["resnet18-cifar10", _rule] = Printed(_row, *_resnet)
for _rule, _row, *_scores in _TABLE_3:
    for _network, _pair in zip(
        ("rnn-wikitext2", "lstm-wikitext2", "gru-wikitext2"), _scores, strict=True
    ):
        _PRINTED[_network, _rule] = Printed(_row, *_pair)


def printed(network: str, rule: str) -> Printed | None:
    """Accuracies printed by Han et al. for this network at full width. None if the tables have no
    such line.
    """
    return _PRINTED.get((network, rule))


def printed_gap(network: str, rule: str) -> float | None:
    """Printed test accuracy minus that of backpropagation on the same network, in points."""
    accuracy, bp = printed(network, rule), printed(network, "bp")
    return None if accuracy is None or bp is None else round(accuracy.test - bp.test, 2)


CRAFTON_LARGEST_TRANSFER_LOSS = 2.7
"""Largest loss of test accuracy, in points, of DFA or SSDFA on transferred features over five
benchmarks: text beside Table 5 (AlexNet, ImageNet).
"""

CRAFTON_MNIST_SATURATION = 97.5
"""Test accuracy in percent at which MNIST saturates with the rank of the feedback: text beside
figure 5.
"""
