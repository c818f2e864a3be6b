"""compare(): the same training step under two or more rules and machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from accelsim.errors import InputError
from accelsim.experiment.setting import Progress, Setting, SettingOptions, Watchers
from accelsim.experiment.simulate import run_rule
from accelsim.machine.architecture import Architecture
from accelsim.machine.loading import load_architecture
from accelsim.machine.pin_places import pins_placed
from accelsim.results.comparison import Comparison
from accelsim.rules.spelling import AnyRule, parse_rules
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network


def compare(
    workload: str | Path | Network,
    architectures: Sequence[str | Path | Architecture],
    rules: str | Sequence[str | AnyRule],
    *,
    progress: Progress | None = None,
    **options: Unpack[SettingOptions],
) -> Comparison:
    """Simulate the same step under every pair of machine and rule. The first machine with the first
    rule is the baseline.

    ``options`` are the fields of `Setting`. Raises InputError like `simulate`, and if two pairs
    have the same label.
    """
    network = workload if isinstance(workload, Network) else load_network(workload)
    machines = [
        each if isinstance(each, Architecture) else load_architecture(each)
        for each in architectures
    ]
    specs = parse_rules(rules)
    setting = Setting(**options).of(network)
    pairs = [
        (given, machine, spec)
        for given, machine in zip(architectures, machines, strict=True)
        for spec in specs
    ]
    labels = [
        str(spec) if len(machines) == 1 else f"{machine.name}/{spec}" for _, machine, spec in pairs
    ]
    if len(set(labels)) < len(labels):
        raise InputError(f"machines and rules to compare must differ, got {', '.join(labels)}")
    results = []
    for given, machine, spec in pairs:
        with pins_placed(given, machine):
            results.append(run_rule(network, machine, spec, setting, Watchers(progress)))
    return Comparison.of(results, labels)
