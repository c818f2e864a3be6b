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
    "Claims audit: what becomes of the papers' numbers",
    "The two papers' sentences with a number on cost. Readings called paper are held against the "
    "printed number; all others say what another "
    "way of counting, or a machine, makes of it. Percentages are savings (negative: it costs "
    "more); x are what the old rule needs over what "
    "the new one needs. EP is error propagation alone, EP+WG with the weight gradient, FF+EP+WG "
    "with the forward pass besides, step the whole "
    "training step with the weight update (momentum); energy of the step has also what belongs to "
    "no pass (leakage, idle clocks, DRAM standby). "
    "Words moved are those that leave a PE's own scratchpad, a feedback sign counting as one. "
    "Machines are the built-in ones "
    "with their canonical mapping, which nobody has tuned to either rule: it streams errors past "
    "feedback matrices once a tile of channels, "
    "which costs von-neumann more than the MACs that sparse feedback saves. They store feedback, "
    "where it is sparse with the positions of its values "
    "(values alone: without them, which no machine could use), a matrix of its own a time step "
    "unless it says one matrix for all, and multicast "
    "e. Feedback regenerated: near-memory makes it where it is used (near_memory.feedback: prng); "
    "there is no such machine under von-neumann, "
    "whose PEs own no neurons and take any operand from the global buffer: the generator is a part "
    "of PEs that keep their weights. e unicast: the "
    "same runs, by counts, with each error sent to each PE that takes it by itself, since no "
    "machine description is without a multicast; cycles are "
    "then at least those in which the NoC's root link can carry that. Zeros are those of real "
    "training, but of AlexNet, which is its "
    "fully connected layers alone (alexnet-fc: what the frozen convolutions compute is in no step, "
    "and no error goes into them), with random "
    "zeros of density 0.5. Bytes below one DRAM burst, a rounding-up where all words of an op stay "
    "on the chip, count as none. Verdicts say of each "
    "cost what EP saves, then the step; in brackets what becomes of it, unless a step takes less "
    "by more than 1 % at every batch.",
)
SHARES = (0, 26, 32, 100)
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
