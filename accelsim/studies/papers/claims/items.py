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
from accelsim.studies.papers.claims.counted.statements import TARGET as NAME
from accelsim.studies.papers.claims.sentences import ROWS, sentences
from accelsim.studies.papers.outcome import Outcome
from accelsim.studies.papers.progress import Progress, Share

ASSUMPTIONS = (
    (
        "Machines are built-in. They multicast e and store feedback with the positions of its "
        "values, one matrix per time step."
    ),
    (
        "Each rule has the mapping of the least energy-delay product; CSV has the canonical one"
        " too. Time steps and dilation have canonical mappings."
    ),
    (
        "Zeros are those of real training; AlexNet has random ones of density 0.5 and only its "
        "fully connected layers."
    ),
    (
        "Words moved leave a PE's scratchpad; a sign counts as one word. Bytes below one DRAM "
        "burst count as none."
    ),
    ("Brackets: 5th to 95th percentile over the bounds of the prices, drawn alike for both rules."),
    "Accuracies are of small networks and few epochs (reports/accuracy).",
    (
        "Holds: EP keeps half of the printed gain, and a step saves over 1 %, on both machines at "
        "both batches. Reversed: EP or a step's energy costs over 1 % more on both machines at one "
        "batch. A ratio's gain is the ratio less 1."
    ),
)
"""Assumptions of the measurements, and the rule of the marks, for the page."""
TARGET = Target(
    NAME,
    "Claims audit: the papers' sentences, recounted and measured",
    "Each sentence of the two papers that gives a number for a cost, counted as the paper counts, "
    "then measured. Percentages are savings; a negative one is a higher cost. x is the old cost "
    "over the new one. EP is error propagation alone; a step also has the forward pass, the "
    "weight gradients and the weight update.",
    ASSUMPTIONS,
)
SHARES = (0, 27, 28, 100)
"""Measured percentages of the total run time at which each part starts and the last one ends: time
steps, dilation, machines.
"""


def reproduce(progress: Progress) -> Outcome:
    """Cells of all claims, a row per sentence, and a figure per sentence."""
    counted = claims_counted.items()
    latencies = claims_parallel.measured(Share(progress, SHARES[0], SHARES[1]))
    parallel = claims_parallel.items(latencies)
    dilation = claims_dilation.items(Share(progress, SHARES[1], SHARES[2]))
    machines = claims_machine.items(Share(progress, SHARES[2], SHARES[3]))
    items = (*counted, *parallel, *dilation, *machines)
    ordered = [item for name in ROWS for item in items if item.id.split("/")[1] == name]
    assert len(ordered) == len(items)
    figures = {figure.id: figure for figure in survival.figures(machines)}
    for figure in (claims_parallel.figure(latencies), survival.dilation_figure(dilation)):
        figures[figure.id] = figure
    ids = {name: survival.figure_id(name) for name in ROWS}
    return Outcome((*ordered,), tuple(figures[ids[name]] for name in ROWS), sentences(ordered, ids))
