"""The runs among which worst ops are looked for."""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.rules.registry import check_rule
from accelsim.rules.spelling import parse_rule
from accelsim.studies.validation.worst_ops.measures import Measures, Plans, measured
from accelsim.workload.loading import load_network

NETWORKS = (
    "vgg16-cifar10",
    "resnet18-cifar10",
    "resnet50-cifar10",
    "mobilenetv2",
    "lstm-wikitext2",
    "mnist-fc",
)
RULES = ("bp", "fa", "dfa", "ssdfa", "revised", "revised:groups=8,binary=true")
MACHINES = ("near-memory", "von-neumann", "tensordash", "systolic-32x32", "eyeriss-like")
TRACE = "random:0.5"


def measured_runs() -> Iterator[tuple[list[Measures], str]]:
    """(measures of a run's ops, "") for each run, or ([], why a rule or machine refuses it)."""
    machines = {name: load_machine(name) for name in MACHINES}
    for name in NETWORKS:
        network = load_network(name)
        for text in RULES:
            for at, machine in machines.items():
                watch = Plans()
                try:
                    check_rule(network, parse_rule(text))
                    result = simulate(
                        network, machine, rule=text, batch=1, trace=TRACE, observers=[watch]
                    )
                except InputError as error:
                    yield [], f"{name} {text} on {at}: {error}"
                    continue
                yield measured(name, text, machine, result, watch.plans), ""
