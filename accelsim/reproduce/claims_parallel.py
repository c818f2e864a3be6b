"""The 35-fold speed of error propagation through 35 time steps, as a chain of ops and as latency on machines (Han et al. 2020, section 4.3)."""

from __future__ import annotations

from fractions import Fraction

from accelsim.networks import load_network
from accelsim.ops import Pass
from accelsim.reproduce.claims_counted import CLAIMS, TARGET, as_claimed
from accelsim.reproduce.han2020_locking import BASE, BPTT, PARTITIONS, RULES, WORKLOAD, longest_chain, parallel, propagation
from accelsim.reproduce.outcome import Figure, Item, Panel, Series, cell
from accelsim.reproduce.progress import Progress
from accelsim.rules import lower

CLAIM = CLAIMS["parallel-35x"]
SHARED, OWN = "shared memory", "own memory"
"""Partitions that share buffer, links, vector unit and DRAM of one machine, or bring their own."""


def items(progress: Progress) -> list[Item]:
    """The chain, then EP latency of BPTT over that of each rule by partitions, and what more partitions give each rule by itself."""
    network = load_network(WORKLOAD)
    recurrent = frozenset(layer.name for layer in network.layers if layer.recurrent)
    chains = [longest_chain(lower(network, rule, network.batch, passes=[Pass.EP]).ops, recurrent) for rule in (BPTT, RULES["DFA"])]
    note = "Recurrent EP ops that wait for one another, one after the other: 35 with BPTT, 1 with DFA."
    found = [as_claimed(CLAIM, "paper", Fraction(chains[0], chains[1]), "depends_on", note)]
    runs = [(memory, partitions) for memory in (False, True) for partitions in PARTITIONS]
    for index, (memory, partitions) in enumerate(runs):
        progress(index, len(runs), f"{WORKLOAD}, {partitions} partitions")
        place = f"{OWN if memory else SHARED}/partitions={partitions}"
        latency = {name: propagation(rule, partitions, memory)["cycles"] for name, rule in {"BPTT": BPTT, **RULES}.items()}
        array = parallel(partitions, memory).pe_array
        for name in RULES:
            context: dict[str, str | int] = {"machine": BASE, "workload": WORKLOAD, "batch": network.batch, "partitions": partitions}
            context["pes"] = array.rows * array.cols
            id_ = f"{TARGET}/{CLAIM.name}/{place}/{name}"
            note = f"EP latency of BPTT over that of {name}: {latency['BPTT']:,} over {latency[name]:,} cycles"
            found.append(cell(TARGET, id_, "x", None, latency["BPTT"] / latency[name], 2, "machine", note=note, context=context))
    return found


def figure() -> Figure:
    """EP latency against the number of PEs."""
    panels: list[Panel] = []
    for title, memory in ((f"(a) {SHARED}", False), (f"(b) {OWN}", True)):
        pes = [parallel(partitions, memory).pe_array.rows * parallel(partitions, memory).pe_array.cols for partitions in PARTITIONS]
        curves = tuple(
            Series(name, pes, [propagation(rule, partitions, memory)["cycles"] for partitions in PARTITIONS])
            for name, rule in {"BPTT": BPTT, **RULES}.items()
        )
        panels.append(Panel(title, "lines", "PEs", "EP latency (cycles)", curves, log_x=True, log_y=True))
    caption = (
        f"EP latency of {WORKLOAD} (35 time steps, batch 20) with {', '.join(map(str, PARTITIONS))} partitions of 256 PEs that (a) share the memory "
        f"system of {BASE}, (b) bring their own. BPTT's EP of the output layer is one op over all time steps and stays in one partition."
    )
    return Figure(TARGET, "claims-parallel", "Error propagation of all time steps at once", caption, tuple(panels))
