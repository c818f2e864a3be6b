"""compare(): the same training step under several rules and machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from accelsim.config.reading.values import Faults, comma_list
from accelsim.errors import InputError
from accelsim.experiment.arguments import Comparing, Watchers, as_machine, as_network, taking
from accelsim.experiment.setting import NetworkSetting
from accelsim.experiment.simulate import dram_traces, run_rule
from accelsim.experiment.tables import machine_tables
from accelsim.machine.architecture import Machine
from accelsim.machine.pin_places import pins_placed
from accelsim.machine.variants import VARIANTS, refuse_idle, variants_of
from accelsim.results.comparison import AS_GIVEN, Comparison, VariantResult
from accelsim.results.result import Result
from accelsim.rules.spelling import AnyRule, parse_rules
from accelsim.workload.network import Network

_NOTHING: Any = ()
"""Machines or rules that could not be read."""


@taking(Comparing)
def compare(given: Comparing) -> Comparison:
    """Simulate the same step under every pair of machine and rule. The first machine with the first
    rule is the baseline.

    ``machines``: one or a list; a text may have several names between commas. ``rules``: likewise;
    in a text ``;`` separates the options of one rule. ``variants``: names of structural variants
    (`accelsim.machine.variants`), or ``"all"``; the rules are compared again on each variant of
    each machine. The other arguments are those of `simulate`. Raises InputError like `simulate`,
    if two pairs have the same label, and for a named variant that changes none of the machines.

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
    if given.variants and len(specs) < 2:
        text = "rules must be two or more to compare on variants"
        raise InputError(f"{text}, got {', '.join(map(str, specs))}")
    changed = _changed([machine for _, machine in machines], given.variants or ())
    running = _Running(network, setting, given)
    with dram_traces(
        given, [(label, pair[2]) for label, pair in zip(labels, pairs, strict=True)]
    ) as traces:
        results = [
            running.run(*pair, Watchers(given.progress, traces=traces, label=label))
            for label, pair in zip(labels, pairs, strict=True)
        ]
    rows: list[VariantResult] = []
    for place, each in enumerate(changed):
        own = results[place * len(specs) : (place + 1) * len(specs)]
        rows += _rows(running, own, specs, each)
    return Comparison.of(results, labels, rows)


@dataclass(frozen=True)
class _Running:
    """What all runs of a comparison share."""

    network: Network
    setting: NetworkSetting
    given: Comparing

    def run(
        self, named: str | Path | Machine, machine: Machine, rule: AnyRule, watchers: Watchers
    ) -> Result:
        """The result of one run with the intervals of its energies."""
        with pins_placed(named, machine):
            result = run_rule(self.network, machine, rule, self.setting, watchers)
            return result.with_intervals(self.given.samples, self.given.sample_seed)


_Changed = list[tuple[str, dict[str, object], Machine]]
"""Name, changed keys and machine of each variant of one machine."""


def _changed(machines: Sequence[Machine], names: Sequence[str]) -> list[_Changed]:
    """The variants of each machine; none at all without names. InputError, unless every variant is
    named, for one that changes no machine.
    """
    if not names:
        return []
    nominal = [machine_tables(machine).technology.voltage for machine in machines]
    pairs = list(zip(machines, nominal, strict=True))
    if len(names) < len(VARIANTS):
        refuse_idle(names, pairs)
    return [
        [
            (variant.name, variant.values(volts), other)
            for variant, other in variants_of(machine, names, volts)
        ]
        for machine, volts in pairs
    ]


def _rows(
    running: _Running, own: Sequence[Result], rules: Sequence[AnyRule], changed: _Changed
) -> Iterator[VariantResult]:
    """The rows of one machine: as given, from its results, then its variants."""
    arch = own[0].arch
    yield VariantResult.of(AS_GIVEN, arch, {}, own)
    for name, keys, machine in changed:
        watchers = Watchers(running.given.progress)
        found = [running.run(machine, machine, rule, watchers) for rule in rules]
        yield VariantResult.of(name, arch, keys, found)


def _each_machine(
    machines: str | Path | Machine | Sequence[str | Path | Machine],
) -> Sequence[str | Path | Machine]:
    """The machines of a list, of a text with commas, or of a single machine."""
    if isinstance(machines, str):
        return comma_list("machines", machines)
    return [machines] if isinstance(machines, Path | Machine) else machines
