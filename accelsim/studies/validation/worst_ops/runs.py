"""The runs among which worst ops are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from accelsim.studies.papers.side_by_side import side_by_side
from accelsim.studies.validation.worst_ops.survey import Run, Survey, survey


@dataclass(frozen=True)
class Study:
    """Networks (those with the longest runs first), rules and machines of all runs; and those of
    the runs of which every op that receives many words is listed.
    """

    networks: tuple[str, ...] = (
        "mobilenetv2",
        "resnet50-cifar10",
        "vgg16-cifar10",
        "resnet18-cifar10",
        "lstm-wikitext2",
        "mnist-fc",
    )
    rules: tuple[str, ...] = (
        "bp",
        "fa",
        "dfa",
        "ssdfa",
        "revised",
        "revised:groups=8,binary=true",
    )
    machines: tuple[str, ...] = (
        "near-memory",
        "von-neumann",
        "tensordash",
        "systolic-32x32",
        "eyeriss-like",
    )
    listed_networks: tuple[str, ...] = networks[:-1]
    listed_rules: tuple[str, ...] = ("bp", "dfa", "revised")
    listed_machines: tuple[str, ...] = ("near-memory", "von-neumann")

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs."""
        return tuple(
            Run(
                network,
                rule,
                machine,
                network in self.listed_networks
                and rule in self.listed_rules
                and machine in self.listed_machines,
            )
            for network in self.networks
            for rule in self.rules
            for machine in self.machines
        )


STUDY = Study()


@cache
def surveys(study: Study) -> tuple[Survey, ...]:
    """The surveys of a study's runs, in their order, made by as many processes as there are cores;
    they are kept, as several tables read them.
    """
    return tuple(side_by_side(survey, study.runs, _say, str))


def _say(*_: object) -> None:
    """Progress is not shown: the study takes a minute or two."""
