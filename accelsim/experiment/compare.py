"""compare(): the same training step under several rules and machines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from accelsim.config.reading.values import Faults, comma_list
from accelsim.errors import InputError
from accelsim.experiment.arguments import Comparing, Watchers, as_machine, as_network, taking
from accelsim.experiment.simulate import dram_traces, run_rule
from accelsim.machine.architecture import Machine
from accelsim.machine.pin_places import pins_placed
from accelsim.results.comparison import Comparison
from accelsim.rules.spelling import parse_rules

_NOTHING: Any = ()
"""Machines or rules that could not be read."""


@taking(Comparing)
def compare(given: Comparing) -> Comparison:
    """Simulate the same step under every pair of machine and rule. The first machine with the first
    rule is the baseline.

    ``machines``: one or a list; a text may have several names between commas. ``rules``: likewise;
    in a text ``;`` separates the options of one rule. The other arguments are those of `simulate`.
    Raises InputError like `simulate`, and if two pairs have the same label.

    >>> import accelsim
    >>> compared = accelsim.compare("mnist-fc", "near-memory", "bp,dfa", trace="random:0.5")
    >>> [result.rule for result in compared.results]
    ['bp', 'dfa']
    >>> compared.ratios["dfa"]["words.remote"] < 1
    True
    """
    faults = Faults()
    network = faults.take(lambda: as_network(given.workload), None)
    rules: Any = given.rules  # a single rule has become a tuple of it
    given_machines = faults.take(lambda: _each_machine(given.machines), _NOTHING)
    loaded = [(each, faults.take(partial(as_machine, each), None)) for each in given_machines]
    specs = faults.take(lambda: parse_rules(rules), _NOTHING)
    faults.refuse()
    assert network is not None
    machines = [(each, machine) for each, machine in loaded if machine is not None]
    setting = given.of(network)
    pairs = [(named, machine, spec) for named, machine in machines for spec in specs]
    labels = [
        str(spec) if len(machines) == 1 else f"{machine.name}/{spec}" for _, machine, spec in pairs
    ]
    if not pairs:
        raise InputError("machines and rules to compare must be given, got none")
    if len(set(labels)) < len(labels):
        raise InputError(f"machines and rules to compare must differ, got {', '.join(labels)}")
    results = []
    with dram_traces(
        given, [(label, pair[2]) for label, pair in zip(labels, pairs, strict=True)]
    ) as traces:
        for label, (named, machine, spec) in zip(labels, pairs, strict=True):
            with pins_placed(named, machine):
                watchers = Watchers(given.progress, traces=traces, label=label)
                result = run_rule(network, machine, spec, setting, watchers)
                results.append(result.with_intervals(given.samples, given.sample_seed))
    return Comparison.of(results, labels)


def _each_machine(
    machines: str | Path | Machine | Sequence[str | Path | Machine],
) -> Sequence[str | Path | Machine]:
    """The machines of a list, of a text with commas, or of a single machine."""
    if isinstance(machines, str):
        return comma_list("machines", machines)
    return [machines] if isinstance(machines, Path | Machine) else machines
