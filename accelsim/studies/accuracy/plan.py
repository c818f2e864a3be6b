"""List of the accuracy study's runs, in the order of execution.

A cell is one learning rule on one network. Its learning rate, and the scale or mixing factor of its
rule, are chosen by short runs scored on a held-out tenth of the training set. It is then trained on
the whole training set, once per seed, and scored on the test set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from accelsim.training.trainer import Recipe

HELD_OUT = 0.1
"""Fraction of the training set used to choose options."""


HEAD_SUFFIX = "-head"
"""Suffix of networks that are the fully connected end of another network, on its
frozen features.
"""


@dataclass(frozen=True)
class Setting:
    """Settings shared by all runs on one network. ``data``: a folder in the data directory, or
    "digits". ``steps``: batches of an epoch, 0 for all of the data.
    """

    part: str
    network: str
    data: str
    epochs: int
    tuning_epochs: int
    batch: int
    optimizer: str = "momentum"
    schedule: str = "cosine"
    weight_decay: float = 0.0
    width: float = 1.0
    vocabulary: int | None = None
    augmented: bool = False
    score_every: int = 1
    keep_filters: bool = False
    steps: int = 0

    @property
    def is_text(self) -> bool:
        """True if the network predicts words or bytes, and is scored by perplexity."""
        return self.data == "wikitext2"


@dataclass(frozen=True)
class Cell:
    """One rule on one network. ``options``: alternative rule options, of which one is chosen:
    ``("scale=0.3", "scale=1")``.
    """

    setting: Setting
    rule: str
    learning_rates: tuple[float, ...]
    options: tuple[str, ...] = ("",)
    seeds: int = 1
    tuned_as: str = ""
    """Rule whose chosen learning rate and option this rule uses; empty for its own tuning."""

    @property
    def name(self) -> str:
        """Name of the cell: ``vgg16-cifar10@0.125/revised-groups=4``."""
        setting = self.setting
        width = f"@{setting.width:g}" if setting.width != 1 else ""
        return f"{setting.network}{width}/{file_name(self.rule)}"

    def tuning(self) -> list[Job]:
        """Short runs for the choice of learning rate and option; [] if there is only
        one candidate.
        """
        choices = [(rate, option) for option in self.options for rate in self.learning_rates]
        if self.tuned_as or len(choices) == 1:
            return []
        return [
            self._job(self.setting.tuning_epochs, rate, option, 0, HELD_OUT, "tuning")
            for rate, option in choices
        ]

    def final(self, rate: float, option: str, seed: int) -> Job:
        """A run that is scored on the test set."""
        return self._job(self.setting.epochs, rate, option, seed, 0.0, "final")

    def _job(
        self, epochs: int, rate: float, option: str, seed: int, held_out: float, stage: str
    ) -> Job:
        setting = self.setting
        mark = f"lr={rate:g}{'-' + option if option else ''}-seed={seed}"
        recipe = Recipe(
            epochs, rate, setting.schedule, setting.optimizer, setting.weight_decay, seed
        )
        return Job(
            f"{stage}/{self.name}/{mark}",
            self,
            with_option(self.rule, option),
            option,
            recipe,
            held_out,
        )


@dataclass(frozen=True)
class Job:
    """One run. ``id``: path of its result file, without suffix. ``rule``: the cell's rule with
    ``option``.
    """

    id: str
    cell: Cell
    rule: str
    option: str
    recipe: Recipe
    held_out: float


def with_option(rule: str, option: str) -> str:
    """Rule with an option: ``revised:groups=4``, ``scale=3`` -> ``revised:groups=4,scale=3``."""
    if not option:
        return rule
    return f"{rule},{option}" if ":" in rule else f"{rule}:{option}"


def file_name(rule: str) -> str:
    """Rule as part of a path."""
    return rule.replace(":", "-").replace(",", "-")


SCALES = ("scale=0.3", "scale=1", "scale=3")

FC_RULES = ("bp", "fa", "dfa", "bdfa", "ssdfa", "frozen")

DIGITS = Setting("fc", "digits-fc", "digits", 30, 10, 32)
FASHION = Setting("fc", "fashion-fc", "fashion-mnist", 4, 1, 64)
FASHION_3 = Setting("fc", "fashion-fc3", "fashion-mnist", 4, 1, 64)
VGG = Setting(
    "cnn",
    "vgg16-cifar10",
    "cifar10",
    12,
    2,
    128,
    weight_decay=5e-4,
    width=0.125,
    augmented=True,
    score_every=4,
)
VGG_WIDE = replace(VGG, width=0.25)
RESNET = replace(VGG, network="resnet18-cifar10", epochs=8, tuning_epochs=2, score_every=4)
SWEEP = replace(FASHION, part="sweep", epochs=2)
CONV = Setting(
    "transfer",
    "cifar10-conv",
    "cifar10",
    8,
    2,
    64,
    width=0.25,
    weight_decay=5e-4,
    augmented=True,
    keep_filters=True,
    score_every=4,
)
HEAD = replace(
    CONV,
    network=f"cifar10-conv{HEAD_SUFFIX}",
    epochs=6,
    augmented=False,
    keep_filters=False,
    score_every=2,
)


GPT = Setting("transformer", "gpt-tiny", "wikitext2", 8, 2, 8, "adam", score_every=12, steps=50)


def text(cell: str) -> Setting:
    """Setting of the language model with this kind of cell."""
    return Setting(
        "rnn",
        f"{cell}-wikitext2",
        "wikitext2",
        4,
        1,
        20,
        "adam",
        "cosine",
        vocabulary=2001,
        score_every=4,
    )


def _cell(setting: Setting, rule: str, rates: tuple[float, ...], seeds: int) -> Cell:
    feedback = rule.partition(":")[0] not in ("bp", "frozen", "bp-only", "hdfa")
    return Cell(setting, rule, rates, SCALES if feedback else ("",), seeds)


def fully_connected() -> Iterator[Cell]:
    """Part (a): fully connected networks."""
    for setting, rates in (
        (DIGITS, (0.01, 0.03, 0.1)),
        (FASHION, (0.01, 0.03, 0.1)),
        (FASHION_3, (0.003, 0.01, 0.03)),
    ):
        for rule in FC_RULES:
            yield _cell(setting, rule, rates, 5)


def sweeps() -> Iterator[Cell]:
    """Crafton et al. 2019, figures 5 and 6: rank and entries per neuron of the feedback."""
    for rank in (1, 2, 3, 5, 7, 10):
        yield Cell(SWEEP, f"sdfa:k=0,rank={rank}", (0.03,), seeds=2)
    for k in (1, 2, 5, 10):
        yield Cell(SWEEP, f"sdfa:k={k}", (0.03,), seeds=2)
    for rank in (5, 10):
        for k in (2, 3, 5, 8, 10):
            yield Cell(SWEEP, f"sdfa:k={k},rank={rank}", (0.03,), seeds=2)


REVISED = "revised:groups=4"
VGG_RULES = ("dfa", "conv-dfa", "modular", "dilated", REVISED)
HYBRIDS = tuple(f"hdfa:p={p},groups=4" for p in (0.1, 0.3, 0.5))
GAMMAS = ("gamma=0.5", "gamma=0.9")


def convolutional() -> Iterator[Cell]:
    """Part (b): VGG16 at 1/8 of its width."""
    yield Cell(VGG, "bp", (0.02, 0.05, 0.1), seeds=2)
    asserted = ("dfa", REVISED)
    for rule in VGG_RULES:
        scales = (
            SCALES[:2] if rule == "modular" else SCALES
        )  # fewer options, because its 72 million weights make it by far the slowest
        yield Cell(VGG, rule, (0.05,), scales, 2 if rule in asserted else 1)
    yield Cell(VGG, "revised:groups=8", (0.05,), tuned_as=REVISED)
    yield Cell(VGG, HYBRIDS[1], (0.05,), GAMMAS, 2)
    yield Cell(VGG, HYBRIDS[2], (0.05,), tuned_as=HYBRIDS[1], seeds=2)
    yield Cell(VGG, HYBRIDS[0], (0.05,), tuned_as=HYBRIDS[1])
    yield Cell(VGG, "frozen", (0.02, 0.05, 0.1), seeds=2)
    for p in (0.1, 0.3):
        yield Cell(VGG, f"bp-only:p={p}", (0.05,))


def residual() -> Iterator[Cell]:
    """Rest of part (b): ResNet-18 at 1/8 of its width, and VGG16 at 1/4. To save time, ResNet-18 is
    tuned less and uses only one gamma.
    """
    yield Cell(RESNET, "bp", (0.05,))
    yield Cell(RESNET, "dfa", (0.05,), SCALES[1:])
    yield Cell(RESNET, REVISED, (0.05,), SCALES[:2])
    yield Cell(RESNET, HYBRIDS[1], (0.05,), GAMMAS[1:])
    yield Cell(RESNET, "frozen", (0.05,))
    yield Cell(VGG_WIDE, "bp", (0.05,))


def recurrent(kind: str) -> Iterator[Cell]:
    """Part (c): a language model with one kind of cell."""
    setting = text(kind)
    slower = (
        (0.0005, 0.001) if kind == "rnn" else ()
    )  # a plain RNN has no gates to limit growth over 35 steps
    yield Cell(setting, "bp", (*slower, 0.002, 0.005), seeds=2)
    for rule in (
        "dfa",
        "triangular",
        "revised:init=bw",
    ):  # to save time, all use backpropagation's learning rate and the default scale
        yield Cell(setting, rule, (0.005,), seeds=2, tuned_as="bp")
    for rule in (
        "dfa:per_step=true",
        "triangular:per_step=true",
    ):  # one matrix per time step, as the papers' tables count
        yield Cell(setting, rule, (0.005,), tuned_as="bp")
    yield Cell(setting, "frozen", (0.005, 0.02))
    for sparsity in (0.98, 0.95, 0.8):
        if sparsity == 0.98 or kind == "lstm":
            yield Cell(
                setting, f"revised:init=bw,sparsity={sparsity},binary=true", (0.005,), tuned_as="bp"
            )
    for p in (0.1, 0.2):
        if p == 0.1 or kind == "lstm":
            yield Cell(setting, f"hdfa:p={p},init=bw,sparsity=0.98", (0.005,), tuned_as="bp")


def transfer() -> Iterator[Cell]:
    """Part (d): a convolutional network trained by BP and by DFA, then fully connected heads on the
    frozen features of the former.
    """
    yield Cell(CONV, "bp", (0.01, 0.03))
    yield Cell(CONV, "dfa", (0.01,), SCALES)
    for rule in ("bp", "dfa", "ssdfa", "frozen"):
        yield _cell(HEAD, rule, (0.01, 0.03), 3)


BLOCKS = "dfa:granularity=block"


def transformer() -> Iterator[Cell]:
    """Part (e): a small GPT that reads bytes. To save time, the feedback rules use the learning
    rate of `dfa` of blocks and the default scale.
    """
    yield Cell(GPT, "bp", (0.001, 0.003, 0.01), seeds=3)
    yield Cell(GPT, BLOCKS, (0.001, 0.003, 0.01), seeds=3)
    for rule in (
        "dfa:granularity=sublayer",
        "ssdfa:granularity=block",
        "hdfa:p=0.1,granularity=block",
    ):
        yield Cell(GPT, rule, (0.001,), seeds=3, tuned_as=BLOCKS)
    yield Cell(GPT, "frozen", (0.003, 0.01), seeds=3)


def cells() -> list[Cell]:
    """All cells. Cells for which an ordering is asserted come first."""
    lstm, rnn, gru = (list(recurrent(kind)) for kind in ("lstm", "rnn", "gru"))
    return [
        *convolutional(),
        *lstm,
        *fully_connected(),
        *transfer(),
        *residual(),
        *sweeps(),
        *rnn,
        *gru,
        *transformer(),
    ]


@dataclass(frozen=True)
class Choice:
    """Learning rate and option that tuning chose for a cell."""

    rate: float
    option: str
    runs: tuple[str, ...] = field(default=())
