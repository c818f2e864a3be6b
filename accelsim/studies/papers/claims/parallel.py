"""The claimed 35-fold speedup of error propagation through 35 time steps, as a chain of ops and as
latency on machines (Han et al. 2020, section 4.3).

BPTT's EP of the output layer is one op over all time steps, so it runs on one partition. Its speed
is therefore given in three forms: as it is; split into one op per time step, which can run on
different partitions; and with that layer's EP left out of all rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from accelsim.results.reproduction import Figure, Item, Panel, Series
from accelsim.rules.registry import lower
from accelsim.step.ops import Pass
from accelsim.studies.papers.claims.counted.readings import as_claimed
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET
from accelsim.studies.papers.han2020.locking import (
    BPTT,
    RULES,
    SETTINGS,
    WORKLOAD,
    Case,
    Latency,
    Setting,
    latency,
    longest_chain,
)
from accelsim.studies.papers.outcome import Quantity, cell
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side
from accelsim.workload.loading import load_network

CLAIM = CLAIMS["parallel-35x"]
Latencies = Mapping[Case, Latency]
ALL_RULES = {"BPTT": BPTT, **RULES}
PARTITIONS = (1, 4, 16, 35, 70, 140)
"""Numbers of partitions. 140 is the maximum, because a machine has at most 256 DRAM channels and
each partition with its own memory adds one.
"""
ENDS = (35, 70, 140)
"""Partitions for the readings that take longest."""


@dataclass(frozen=True)
class Reading:
    """A comparison of BPTT with another rule. ``old`` and ``new``: variants of their ops.
    ``recurrent``: compare only the recurrent layer's EP. ``step``: compare the whole step.
    """

    name: str
    says: str
    old: str = ""
    new: str = ""
    recurrent: bool = False
    step: bool = False
    partitions: tuple[int, ...] = PARTITIONS

    def cases(self, rule: str, setting: Setting, partitions: int) -> tuple[Case, Case]:
        """Cases of BPTT and of the other rule."""
        return Case(BPTT, setting, partitions, self.old, self.step), Case(
            rule, setting, partitions, self.new, self.step
        )

    def of(self, latency: Latency) -> int:
        """Cycles of a latency that this reading compares."""
        return latency.recurrent if self.recurrent else latency.whole


SPLIT = "EP, output layer split"
WITHOUT = "EP without output layer"
READINGS = (
    Reading("EP", "EP"),
    Reading(
        SPLIT, "EP, BPTT's op of the output layer split into one per time step", old="by_time_step"
    ),
    Reading(
        WITHOUT,
        "EP without the output layer's",
        old="without_output_layer",
        new="without_output_layer",
        partitions=ENDS,
    ),
    Reading("recurrent layer", "the recurrent layer's EP", recurrent=True),
    Reading("step", "the whole step", step=True, partitions=ENDS),
)


def measured(progress: Progress) -> Latencies:
    """Latency of every rule on every machine, in every reading."""
    pairs = [
        reading.cases(rule, setting, partitions)
        for setting in SETTINGS
        for reading in READINGS
        for partitions in reading.partitions
        for rule in RULES.values()
    ]
    cases = list(dict.fromkeys(case for pair in pairs for case in pair))
    cases.sort(key=lambda case: not case.step)  # the longest first
    latencies = side_by_side(
        latency,
        cases,
        progress,
        lambda case: f"{case.rule.partition(':')[0]}, {case.partitions} partitions",
    )
    return dict(zip(cases, latencies, strict=True))


def items(latencies: Latencies) -> list[Item]:
    """Chain length, then latency of BPTT over that of each rule by machine and partitions,
    in every reading.
    """
    network = load_network(WORKLOAD)
    recurrent = frozenset(layer.name for layer in network.layers if layer.recurrent)
    chains = [
        longest_chain(lower(network, rule, network.batch, passes=[Pass.EP]).ops, recurrent)
        for rule in (BPTT, RULES["DFA"])
    ]
    note = (
        "Length of the longest chain of recurrent EP ops that wait for one another: 35 "
        "with BPTT, 1 with DFA."
    )
    claimed = as_claimed(CLAIM, "paper", Fraction(chains[0], chains[1]), "depends_on", note)
    return [
        claimed,
        *(item for setting in SETTINGS for item in _ratios(setting, latencies, network.batch)),
    ]


def _ratios(setting: Setting, latencies: Latencies, batch: int) -> Iterator[Item]:
    for partitions in PARTITIONS:
        context: dict[str, str | int] = {
            "machine": setting.name,
            "workload": WORKLOAD,
            "batch": batch,
            "partitions": partitions,
        }
        context["pes"] = _pes(setting, partitions)
        for name, rule in RULES.items():
            for reading in (each for each in READINGS if partitions in each.partitions):
                old, new = (
                    reading.of(latencies[case]) for case in reading.cases(rule, setting, partitions)
                )
                id_ = (
                    f"{TARGET}/{CLAIM.name}/{setting.name}/partitions={partitions}"
                    f"/{name}/{reading.name}"
                )
                yield cell(
                    Quantity(
                        TARGET,
                        id_,
                        "x",
                        "machine",
                        {
                            **context,
                            "cost": "cycles",
                            "scope": reading.name,
                            "rules": f"{BPTT} -> {rule}",
                            "before": f"{old}",
                            "after": f"{new}",
                        },
                    ),
                    None,
                    Fraction(old, new),
                    2,
                    note=f"latency of BPTT over that of {name}, {reading.says}",
                )


def _pes(setting: Setting, partitions: int) -> int:
    array = setting.machine(partitions).pe_array
    return array.rows * array.cols


def figure(latencies: Latencies) -> Figure:
    """Figure of EP latency against the number of PEs."""
    panels: list[Panel] = []
    for letter, setting in zip("abc", SETTINGS, strict=True):
        pes = [_pes(setting, partitions) for partitions in PARTITIONS]
        by_rule = {
            name: [latencies[Case(rule, setting, partitions)] for partitions in PARTITIONS]
            for name, rule in ALL_RULES.items()
        }
        split = [
            latencies[Case(BPTT, setting, partitions, "by_time_step")].whole
            for partitions in PARTITIONS
        ]
        curves = [
            Series(f"{name}, EP", pes, [each.whole for each in points])
            for name, points in by_rule.items()
        ]
        curves.insert(1, Series(f"BPTT, {SPLIT}", pes, split))
        curves += [
            Series(f"{name}, recurrent layer", pes, [each.recurrent for each in points])
            for name, points in by_rule.items()
        ]
        panels.append(
            Panel(
                f"({letter}) {setting.name}",
                "lines",
                "PEs",
                "latency (cycles)",
                curves,
                log_x=True,
                log_y=True,
            )
        )
    caption = (
        f"EP latency of {WORKLOAD} (35 time steps, batch 20) on "
        f"{', '.join(map(str, PARTITIONS))} partitions of 256 PEs. The partitions share the "
        "memory system of one machine, or each has its own. The curves show all of EP, and "
        "the recurrent layer's part. BPTT's EP of the output layer is one op over all time "
        "steps and stays on one partition; split, it is one op per time step. The "
        "recurrent layer's part runs from the start of its first op to the end of its last "
        "one. With DFA, ops of the output layer run in between, so this part is an upper "
        "bound."
    )
    return Figure(
        TARGET,
        "claims-parallel-35x",
        "Error propagation of all time steps at once",
        caption,
        tuple(panels),
    )
