"""Registry of the papers' tables and figures, which are regenerated from the ops that the simulator
executes.

A target is a module with ``TARGET`` and ``reproduce(progress)``. A new target needs its file and
one line below.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelsim.errors import InputError
from accelsim.results.reproduction import Item, Target
from accelsim.studies.papers.claims import items as claims
from accelsim.studies.papers.claims import survival
from accelsim.studies.papers.crafton2019 import (
    fig8 as crafton2019_fig8,
)
from accelsim.studies.papers.crafton2019 import (
    table1 as crafton2019_table1,
)
from accelsim.studies.papers.han2020 import (
    figures as han2020_figures,
)
from accelsim.studies.papers.han2020 import (
    table2 as han2020_table2,
)
from accelsim.studies.papers.han2020 import (
    table4 as han2020_table4,
)
from accelsim.studies.papers.outcome import Outcome, document, surprises
from accelsim.studies.papers.progress import Progress, shares

Reproduce = Callable[[Progress], Outcome]

_MODULES = (
    han2020_table2,
    han2020_table4,
    han2020_figures,
    crafton2019_table1,
    crafton2019_fig8,
    claims,
)

TARGETS: dict[str, tuple[Target, Reproduce]] = {
    module.TARGET.name: (module.TARGET, module.reproduce) for module in _MODULES
}
"""Everything that can be reproduced, by name."""
FIGURES = {
    "han2020-figures": tuple(f"han2020-fig{number}" for number in (1, 5, 6, 8, 9)),
    "crafton2019-fig8": ("crafton2019-fig8",),
    "claims": (*survival.COMPARISONS, "claims-parallel"),
}
"""Ids of the figures that each target draws. They are listed here so that an unsuitable --out
folder is refused before the run.
"""
ALL = "all"
SECONDS = {"han2020-figures": 60.0, "claims": 1000.0}
"""Run times on two cores, in seconds, of targets that take more than one second. They set the
shares of the progress bar.
"""


def reproduce(
    name: str, progress: Progress, command: str = ""
) -> tuple[dict[str, Any], list[Item]]:
    """Document of one target, or of ``all`` targets, and the cells with an unexpected match.

    ``command``: command stated in the document, by default ``accelsim reproduce NAME``. Raises
    InputError for an unknown name.
    """
    if name != ALL and name not in TARGETS:
        raise InputError(f"reproduction must be one of {', '.join((*TARGETS, ALL))}, got {name}")
    chosen = list(TARGETS.values()) if name == ALL else [TARGETS[name]]
    dealt = shares(progress, {target.name: SECONDS.get(target.name, 1.0) for target, _ in chosen})
    outcomes = [make(dealt[target.name]) for target, make in chosen]
    result = document(
        [target for target, _ in chosen], outcomes, command or f"accelsim reproduce {name}"
    )
    return result.to_json(), surprises(item for outcome in outcomes for item in outcome.items)
