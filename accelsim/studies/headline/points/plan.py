"""The runs of the headline: networks, rules, machines, batches and optimizers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

BP = "bp"
MACHINES = ("near-memory", "von-neumann")
BATCHES = (1, 32)
OPTIMIZERS = ("sgd", "momentum")


@dataclass(frozen=True)
class Subject:
    """A network and its rules by the name of the table's column. The options of `revised` and
    `hybrid` are those whose accuracy the accuracy study has measured, where it has any.
    """

    title: str
    workload: str
    rules: dict[str, str]
    trace: str = "shipped"


def _rules(revised: str, hybrid: str) -> dict[str, str]:
    return {"DFA": "dfa", "SSDFA": "ssdfa", "revised": revised, "hybrid": hybrid}


GROUPED = _rules("revised:groups=4", "hdfa:p=0.1,groups=4")

SUBJECTS = (
    Subject("VGG16", "vgg16-cifar10", GROUPED),
    Subject("ResNet-18", "resnet18-cifar10", GROUPED),
    Subject(
        "LSTM", "lstm-wikitext2", _rules("revised:init=bw", "hdfa:p=0.1,sparsity=0.98,init=bw")
    ),
    Subject("AlexNet, FC layers", "alexnet", _rules("revised", "hdfa:p=0.1"), "random:0.5"),
)
COLUMNS = tuple(GROUPED)


@dataclass(frozen=True)
class Setup:
    """What the rules of one comparison share. ``subject``: index into `SUBJECTS`."""

    subject: int
    machine: str
    batch: int
    optimizer: str

    @property
    def of(self) -> Subject:
        """The network and its rules."""
        return SUBJECTS[self.subject]

    def __str__(self) -> str:
        return f"{self.of.workload}, {self.machine}, batch {self.batch}, {self.optimizer}"


SETUPS = tuple(
    Setup(*each) for each in product(range(len(SUBJECTS)), MACHINES, BATCHES, OPTIMIZERS)
)
