"""The 35-fold speed of error propagation through 35 time steps, as a chain of ops and as latency on machines (Han et al. 2020, section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from accelsim.networks import load_network
from accelsim.ops import Pass
from accelsim.reproduce.claims_counted import CLAIMS, TARGET, as_claimed
from accelsim.reproduce.han2020_locking import BPTT, PARTITIONS, RULES, SETTINGS, WORKLOAD, Case, Latency, Setting, latency, longest_chain
from accelsim.reproduce.outcome import Figure, Item, Panel, Series, cell
from accelsim.reproduce.progress import Progress
from accelsim.reproduce.side_by_side import side_by_side
from accelsim.rules import lower

CLAIM = CLAIMS["parallel-35x"]


Latencies = Mapping[Case, Latency]
ALL_RULES = {"BPTT": BPTT, **RULES}


def measured(progress: Progress) -> Latencies:
    """EP latency of every rule on every machine."""
    cases = [Case(rule, setting, partitions) for setting in SETTINGS for partitions in PARTITIONS for rule in ALL_RULES.values()]
    found = side_by_side(latency, cases, progress, lambda case: f"{WORKLOAD} {case.rule}, {case.setting.name}, {case.partitions} partitions")
    return dict(zip(cases, found, strict=True))


def items(latencies: Latencies) -> list[Item]:
    """The chain, then EP latency of BPTT over that of each rule by machine and partitions: all of EP, and the recurrent layer's alone."""
    network = load_network(WORKLOAD)
    recurrent = frozenset(layer.name for layer in network.layers if layer.recurrent)
    chains = [longest_chain(lower(network, rule, network.batch, passes=[Pass.EP]).ops, recurrent) for rule in (BPTT, RULES["DFA"])]
    note = "Recurrent EP ops that wait for one another, one after the other: 35 with BPTT, 1 with DFA."
    found = [_verdict(latencies), as_claimed(CLAIM, "paper", Fraction(chains[0], chains[1]), "depends_on", note)]
    for setting in SETTINGS:
        for partitions in PARTITIONS:
            bptt = latencies[Case(BPTT, setting, partitions)]
            context: dict[str, str | int] = {"machine": setting.name, "workload": WORKLOAD, "batch": network.batch, "partitions": partitions}
            context["pes"] = _pes(setting, partitions)
            for name, rule in RULES.items():
                own = latencies[Case(rule, setting, partitions)]
                for part, old, new in (("EP", bptt.whole, own.whole), ("recurrent layer", bptt.recurrent, own.recurrent)):
                    id_ = f"{TARGET}/{CLAIM.name}/{setting.name}/partitions={partitions}/{name}/{part}"
                    said = f"{part} latency of BPTT over that of {name}: {old:,} over {new:,} cycles"
                    found.append(cell(TARGET, id_, "x", None, Fraction(old, new), 2, "machine", note=said, context=context))
    return found


def _pes(setting: Setting, partitions: int) -> int:
    array = setting.machine(partitions).pe_array
    return array.rows * array.cols


def _verdict(latencies: Latencies) -> Item:
    """What the most partitions give, on each machine."""
    most = PARTITIONS[-1]
    parts: list[str] = []
    for setting in SETTINGS:
        bptt = latencies[Case(BPTT, setting, most)]
        faster = [(name, latencies[Case(rule, setting, most)]) for name, rule in RULES.items()]
        said = [f"{name} {bptt.whole / each.whole:.2f}x and {bptt.recurrent / each.recurrent:.2f}x" for name, each in faster]
        parts.append(f"on {setting.name} {', '.join(said)}")
    note = (
        f"{CLAIM.says} ({CLAIM.source}). With {most} partitions, all of EP and the recurrent layer's alone: {'; '.join(parts)}. BPTT's EP of the "
        "output layer stays in one partition, which flatters the first number of each pair."
    )
    return Item(TARGET, f"{TARGET}/{CLAIM.name}/verdict", "x", None, None, None, "not-printed", "machine", note)


def figure(latencies: Latencies) -> Figure:
    """EP latency against the number of PEs."""
    panels: list[Panel] = []
    for letter, setting in zip("abc", SETTINGS, strict=True):
        pes = [_pes(setting, partitions) for partitions in PARTITIONS]
        found = {name: [latencies[Case(rule, setting, partitions)] for partitions in PARTITIONS] for name, rule in ALL_RULES.items()}
        curves = [Series(f"{name}, EP", pes, [each.whole for each in own]) for name, own in found.items()]
        curves += [Series(f"{name}, recurrent layer", pes, [each.recurrent for each in own]) for name, own in found.items()]
        panels.append(Panel(f"({letter}) {setting.name}", "lines", "PEs", "latency (cycles)", curves, log_x=True, log_y=True))
    caption = (
        f"EP latency of {WORKLOAD} (35 time steps, batch 20) with {', '.join(map(str, PARTITIONS))} partitions of 256 PEs, which share the memory "
        "system of one machine or bring their own; all of EP, and the recurrent layer's part. BPTT's EP of the output layer is one op over all "
        "time steps and stays in one partition, though nothing would forbid to share it out. The recurrent layer's part runs from its "
        "first op's start to its last one's end: with DFA ops of the output layer run in between, so that it is an upper bound."
    )
    return Figure(TARGET, "claims-parallel", "Error propagation of all time steps at once", caption, tuple(panels))
