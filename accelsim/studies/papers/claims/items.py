"""The claims audit: the papers' statements with numbers, under their own accounting, under other
accountings, and measured on machines.
"""

from __future__ import annotations

from accelsim.results.reproduction import Target
from accelsim.studies.papers.claims import (
    dilation as claims_dilation,
)
from accelsim.studies.papers.claims import (
    machine as claims_machine,
)
from accelsim.studies.papers.claims import (
    parallel as claims_parallel,
)
from accelsim.studies.papers.claims import (
    survival,
)
from accelsim.studies.papers.claims.counted import items as claims_counted
from accelsim.studies.papers.claims.counted.statements import CLAIMS
from accelsim.studies.papers.claims.counted.statements import TARGET as NAME
from accelsim.studies.papers.claims.verdicts import verdicts
from accelsim.studies.papers.claims.whole_step import WHOLE, whole_step
from accelsim.studies.papers.outcome import Outcome
from accelsim.studies.papers.progress import Progress, Share

TARGET = Target(
    NAME,
    "Claims audit: the papers' numbers, recounted and measured",
    "The statements of the two papers that give a number for a cost. Cells called paper "
    "are compared with the printed number. All other cells use another accounting, or "
    "measure a machine. Percentages are savings; a negative one is a higher cost. x is the "
    "cost of the old rule divided by that of the new one. EP is error propagation alone, "
    "EP+WG includes the weight gradient, FF+EP+WG also the forward pass, and step is the "
    "whole training step with the weight update (momentum). The energy of a step includes "
    "energy that belongs to no pass (leakage, idle clocks, DRAM standby). Words moved are "
    "those that leave a PE's own scratchpad; a feedback sign counts as one word. The "
    "machines are built-in. Each rule runs with the places and mappings of the least "
    "energy-delay product that a search finds (docs/mapping.md); the value with canonical "
    "ones stands beside it, and whether the verdict turns (canonical mapping, verdict turns). "
    "Time steps and dilation are measured with canonical mappings only. The machines "
    "multicast e. They store feedback: sparse feedback with the positions of its values "
    "(values alone: without positions, which no machine could use), and one matrix per "
    "time step unless a cell says one matrix for all. Feedback regenerated: near-memory "
    "generates feedback where it is used (near_memory.feedback: prng). There is no such "
    "machine for von-neumann, whose PEs own no neurons and take any operand from the "
    "global buffer: the generator is a part of PEs that keep their weights. e unicast: the "
    "same runs, by counts, with each error sent separately to each PE that takes it, "
    "because every machine description has a multicast; cycles are then at least the "
    "number that the NoC's root link needs for these words. Zeros are those of real "
    "training, except for AlexNet, which has random zeros of density 0.5 and runs only its "
    "fully connected layers (alexnet-fc): the step does not compute the frozen "
    "convolutions, and no error enters them. Fewer bytes than one DRAM burst count as "
    "none: they are a rounding-up where all words of an op stay on the chip. Verdicts "
    "state, for each cost, the saving in EP, then in the step; in brackets the outcome, "
    "unless a step costs less by more than 1 % at every batch.",
)
SHARES = (0, 23, 25, 100)
"""Measured percentages of the total run time at which each part starts and the last one ends: time
steps, dilation, machines.
"""


def reproduce(progress: Progress) -> Outcome:
    """Cells of all claims, one verdict per claim and one on whole steps, and figures of the costs
    against the batch.
    """
    counted = claims_counted.items()
    latencies = claims_parallel.measured(Share(progress, SHARES[0], SHARES[1]))
    parallel = claims_parallel.items(latencies)
    dilation = claims_dilation.items(Share(progress, SHARES[1], SHARES[2]))
    machines = claims_machine.items(Share(progress, SHARES[2], SHARES[3]))
    items = (*counted, *parallel, *dilation, *machines)
    items = (whole_step(items), *verdicts(items), *items)
    ordered = [
        item
        for name in (WHOLE, *CLAIMS, claims_dilation.NAME)
        for item in items
        if item.id.split("/")[1] == name
    ]
    assert len(ordered) == len(items)
    figures = survival.figures(machines)
    return Outcome((*ordered,), (*figures, claims_parallel.figure(latencies)))
