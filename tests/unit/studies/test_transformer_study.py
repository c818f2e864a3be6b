"""The accuracy study's transformer: short epochs, and its table of made-up results and costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.studies.accuracy.execute import Places
from accelsim.studies.accuracy.outcomes import read_outcomes
from accelsim.studies.accuracy.plan import GPT, Cell
from accelsim.studies.accuracy.tables.all import all_tables
from accelsim.studies.accuracy.transformer.costs import FILE, Cost, write_costs
from accelsim.studies.accuracy.transformer.excerpt import Excerpt
from accelsim.training.data.text_files import TextDataset
from accelsim.training.tasks import make_task
from accelsim.workload.loading import load_network
from tests.study_results import document, keep, keep_all


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data", tmp_path / "runs", tmp_path / "work")


class TestExcerpt:
    """A task of short epochs."""

    def test_is_the_first_batches_of_each_epoch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("accelsim.studies.accuracy.transformer.excerpt.SCORED", 2)
        network = load_network("gpt-tiny")
        text = np.arange(128 * 40 + 1, dtype=np.int32) % 256
        whole = make_task(
            TextDataset("bytes", 256, text, text, text, (), None), network, 4, augmented=False
        )
        task = Excerpt(whole, 3)
        assert (task.steps_per_epoch, task.name) == (3, "bytes, 3 batches per epoch, 2 scored")
        first, second = (list(task.epoch(0, epoch)) for epoch in (0, 1))
        expected = list(whole.epoch(0, 1))[:3]
        assert all(
            np.array_equal(a, b)
            for a, b in zip(second, expected, strict=True)
            for a, b in zip(a, b, strict=True)
        )
        assert not np.array_equal(first[0][0], second[0][0])
        assert len(list(task.batches("test"))) == 2
        assert Excerpt(whole, 99).steps_per_epoch == whole.steps_per_epoch == 10


class TestTable:
    """Perplexities beside costs."""

    def test_a_transformer_has_perplexities_beside_costs(self, places: Places) -> None:
        plan = [Cell(GPT, "bp", (0.1,), seeds=2), Cell(GPT, "frozen", (0.1,))]
        perplexities = {("bp", 0): 5.0, ("bp", 1): 7.0, ("frozen", 0): 12.0}
        keep_all(
            places,
            plan,
            lambda job: document(job, perplexity=perplexities[job.cell.rule, job.recipe.seed]),
        )
        cost = Cost(
            workload="gpt-tiny",
            machine="near-memory",
            batch=16,
            optimizer="adam",
            rule="frozen",
            trace="shipped:gpt-tiny.frozen",
            cycles=14.5e6,
            seconds=0.0145,
            energy_pj=1.2e11,
            energy_pj_p5=0.9e11,
            energy_pj_p95=1.5e11,
            energy_ratio=0.5,
            energy_ratio_p5=0.4,
            energy_ratio_p95=0.6,
            config_hash="0123456789abcdef",
        )
        write_costs([cost], places.results / FILE)
        found = read_outcomes(places.results, plan)
        assert found.costs == (cost,)
        table = all_tables(found)["transformer"]
        keys = [column.key for column in table.columns]
        bp, frozen = (dict(zip(keys, row, strict=True)) for row in table.rows)
        spread = ("perplexity_mean", "perplexity_least", "perplexity_greatest")
        assert [bp[key] for key in spread] == [6.0, 5.0, 7.0]
        assert bp["near_memory_energy_mj"] is frozen["von_neumann_energy_mj"] is None
        energy = ("near_memory_energy_mj", "near_memory_energy_mj_p5", "near_memory_energy_mj_p95")
        assert [frozen[key] for key in energy] == [120.0, 90.0, 150.0]
        assert (frozen["near_memory_energy_ratio"], frozen["near_memory_milliseconds"]) == (
            0.5,
            14.5,
        )

    def test_runs_of_other_steps_are_none(self, places: Places) -> None:
        cell = Cell(GPT, "bp", (0.1,))
        job = cell.final(0.1, "", 0)
        made = document(job)
        made["cause"]["steps_per_epoch"] += 1
        keep(places, job, made)
        assert read_outcomes(places.results, [cell]).finished == 0

    def test_refuses_a_broken_record_of_costs(self, places: Places) -> None:
        places.results.mkdir()
        (places.results / FILE).write_text("workload,rule\ngpt-tiny,bp\n")
        with pytest.raises(InputError, match=r"costs\.csv: must be a record of costs"):
            read_outcomes(places.results, [])
