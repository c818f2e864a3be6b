"""Figures 1, 5, 6, 8 and 9 of Han et al. 2020, drawn from executed ops, simulated steps and the
accuracy study.
"""

from __future__ import annotations

from accelsim.results.reproduction import Target
from accelsim.studies.papers.han2020.locking import figure_1
from accelsim.studies.papers.han2020.scaling import figure_8, figure_9
from accelsim.studies.papers.han2020.summary import figure_5, figure_6
from accelsim.studies.papers.outcome import Outcome
from accelsim.studies.papers.progress import WHOLE, Progress, Share

TARGET = Target(
    "han2020-figures",
    "Han et al. 2020, figures 1, 5, 6, 8 and 9",
    "The paper's figures are images, and only their texts are printed: these counterparts "
    "are to be compared by eye. Figures 8 and 9 show eq. 13 from executed feedback ops. "
    "Figure 5 shows tables 2 and 4. Figure 6 shows these tables with the accuracies of our "
    "own reduced training runs. Figure 1 is a simulated timeline.",
)


def reproduce(progress: Progress) -> Outcome:
    """Cells of the numbers in the figures, and the figures."""
    progress(0, WHOLE, "figures 8 and 9")
    ratios, eighth = figure_8(TARGET.name)
    scaling, ninth = figure_9(TARGET.name)
    progress(4, WHOLE, "figure 5")
    fifth = figure_5(TARGET.name)
    accuracies, sixth = figure_6(TARGET.name, Share(progress, 5, 85, "figure 6"))
    progress(85, WHOLE, "figure 1")
    return Outcome(
        (*ratios, *scaling, *accuracies), (figure_1(TARGET.name), fifth, sixth, eighth, ninth)
    )
