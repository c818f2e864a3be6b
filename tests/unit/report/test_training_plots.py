"""Figures of a training run: whole epochs on their axes, and each says what was trained."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib import rc_context

from accelsim.report.figures import training as training_plots
from accelsim.report.figures.style import STYLE
from accelsim.results.training import TrainingDocument

FIGURES = {
    "curves": training_plots.curves_figure,
    "angles": training_plots.angles_figure,
    "densities": training_plots.densities_figure,
}


def run(epochs: int) -> TrainingDocument:
    numbers = range(1, epochs + 1)
    cause: dict[str, Any] = {
        "workload": "net",
        "rule": "dfa:scale=0.3",
        "data": "digits",
        "epochs": epochs,
        "batch": 4,
        "learning_rate": 0.01,
    }
    scores = {
        "steps": 3,
        "training_loss": 2.0,
        "training_accuracy": 0.15,
        "test_loss": 2.1,
        "test_accuracy": 0.14,
    }
    return TrainingDocument.parse(
        {
            "schema": "accelsim.training/1",
            "version": "0",
            "cause": {**cause, "schedule": "constant", "optimizer": "momentum", "seed": 0},
            "epochs": [{"epoch": number, **scores} for number in numbers],
            "angles": [
                {"epoch": number, "kind": kind, "layer": "fc", "degrees": 80.0}
                for number in numbers
                for kind in ("update", "feedback")
            ],
            "densities": [
                {"epoch": number, "layer": "fc", "role": role, "density": 0.5}
                for number in numbers
                for role in ("input", "error")
            ],
        }
    )


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("epochs", "ticks"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (40, [0, 8, 16, 24, 32, 40])]
)
def test_epochs_are_whole(name: str, epochs: int, ticks: list[int]) -> None:
    with rc_context(STYLE):
        for axes in FIGURES[name](run(epochs)).axes:
            low, high = axes.get_xlim()
            assert [tick for tick in axes.get_xticks() if low <= tick <= high] == ticks


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_says_what_was_trained(name: str) -> None:
    with rc_context(STYLE):
        figure = FIGURES[name](run(2))
        titles = [
            figure.get_suptitle(),
            *(legend.get_title().get_text() for legend in figure.legends),
        ]
    assert [title for title in titles if title] == ["net on digits, dfa:scale=0.3"]
