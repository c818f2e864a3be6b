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
from accelsim.studies.papers.claims import sentences, survival
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
from accelsim.studies.papers.side_by_side import MOST_WORKERS
from accelsim.studies.workers import cores

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
    "claims": tuple(map(survival.figure_id, sentences.ROWS)),
}
"""Ids of the figures that each target draws. They are listed here so that an unsuitable --out
folder is refused before the run.
"""
ALL = "all"
CLAIMS = claims.TARGET.name
CPU_SECONDS = {"han2020-figures": 60.0, CLAIMS: 3000.0}
"""CPU time of targets that take more than a second, as an estimate. They set the shares of the
progress bar.
"""
LEAST_SECONDS = 1.0
"""CPU time of any other target."""


def estimates(name: str) -> dict[str, float]:
    """Estimated seconds of each part of a reproduction on this computer, without the compilation of
    kernels. Parts run one after another, each on all cores that `side_by_side` takes.
    """
    workers = min(MOST_WORKERS, cores())
    return {
        part: CPU_SECONDS.get(part, LEAST_SECONDS) / (workers if part in CPU_SECONDS else 1)
        for part in (TARGETS if name == ALL else [name])
    }


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
    dealt = shares(progress, estimates(name))
    outcomes = [make(dealt[target.name]) for target, make in chosen]
    result = document(
        [target for target, _ in chosen], outcomes, command or f"accelsim reproduce {name}"
    )
    return result.to_json(), surprises(item for outcome in outcomes for item in outcome.items)
