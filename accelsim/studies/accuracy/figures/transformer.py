"""Figure of part (e), a transformer."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from accelsim.studies.accuracy.figures.looks import look, place
from accelsim.studies.accuracy.figures.panels import legend_beside, panels_in_a_row
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, mean
from accelsim.studies.accuracy.transformer.costs import MACHINES


def transformer_figure(outcomes: Outcomes) -> Figure | None:
    """Loss of each stretch of training, averaged over seeds, and test perplexity against the energy
    of a step: one filled mark per machine and rule.
    """
    drawn = [each for each in outcomes.part("transformer") if each.scores("test_perplexity")]
    drawn.sort(key=lambda each: place(each.rule))
    if not drawn:
        return None
    figure, panels = panels_in_a_row(2, 2.3)
    for each in drawn:
        points = _course(each)
        panels[0].plot(
            [x for x, _ in points],
            [y for _, y in points],
            linewidth=1,
            marker="o",
            markersize=2.4,
            label=each.rule,
            **look(each.rule),
        )
        _draw_costs(panels[1], outcomes, each)
    panels[0].set_xlabel("training steps")
    panels[0].set_ylabel("training loss in nats per byte")
    panels[1].set_xlabel("energy of a step in mJ")
    panels[1].set_ylabel("test perplexity per byte")
    panels[1].set_title(f"circles {MACHINES[0]}, squares {MACHINES[1]}", pad=3)
    legend_beside(figure, panels)
    return figure


def _course(outcome: Outcome) -> list[tuple[int, float]]:
    """(last step, mean loss over steps and seeds) of each epoch."""
    rows = zip(*(run.document.epochs for run in outcome.runs if not run.diverged), strict=False)
    steps, points = 0, []
    for epoch in rows:
        steps += epoch[0].steps
        loss = mean(row.training_loss for row in epoch if row.training_loss is not None)
        if loss is not None:
            points.append((steps, loss))
    return points


def _draw_costs(axes: Axes, outcomes: Outcomes, outcome: Outcome) -> None:
    perplexity = mean(outcome.scores("test_perplexity"))
    for machine, marker in zip(MACHINES, "os", strict=True):
        cost = outcomes.cost(outcome.rule, machine)
        if cost is not None and perplexity is not None:
            axes.plot(
                cost.energy_pj * 1e-9,
                perplexity,
                marker,
                color=look(outcome.rule)["color"],
                markersize=4,
            )
