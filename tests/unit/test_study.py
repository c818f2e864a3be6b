"""The accuracy study: its plan, what runs next, and tables and plots of results made up here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.rules.registry import parse_rule
from accelsim.studies.accuracy import execute, published
from accelsim.studies.accuracy.__main__ import PARTS, main
from accelsim.studies.accuracy.execute import Places, choice, waiting_jobs
from accelsim.studies.accuracy.figures.files import FIGURES
from accelsim.studies.accuracy.figures.transfer import mosaic
from accelsim.studies.accuracy.make import make_run
from accelsim.studies.accuracy.orderings import (
    DIVERGED,
    EXPECTED,
    FAILS,
    FC_NETWORKS,
    HOLDS,
    NOT_RUN,
    orderings_table,
)
from accelsim.studies.accuracy.outcomes import Outcomes, read_outcomes
from accelsim.studies.accuracy.page.readme import write_report
from accelsim.studies.accuracy.plan import (
    HEAD_SUFFIX,
    VGG,
    Cell,
    Choice,
    Job,
    Setting,
    cells,
    text,
)
from accelsim.studies.accuracy.summary import CONCLUSIONS, conclusions
from accelsim.studies.accuracy.tables.all import all_tables
from accelsim.studies.accuracy.tables.scores import rank_and_entries
from tests.study_results import document, keep, keep_all

SMALL = Setting("fc", "digits-fc", "digits", 3, 1, 100)
LANGUAGE = text("lstm")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data", tmp_path / "runs", tmp_path / "work")


def outcomes(places: Places, plan: list[Cell]) -> Outcomes:
    places.results.mkdir(exist_ok=True)
    return read_outcomes(places.results, plan)


def test_every_run_has_a_file_of_its_own() -> None:
    jobs = [job for cell in cells() for job in cell.tuning()]
    finals = [
        c.final(rate, option, seed)
        for c in cells()
        for rate in c.learning_rates
        for option in c.options
        for seed in range(c.seeds)
    ]
    ids = [job.id for job in (*jobs, *finals)]
    assert len(ids) == len(set(ids))
    assert {cell.setting.part for cell in cells()} == set(PARTS)


def test_what_is_expected_of_a_rule_is_in_the_plan() -> None:
    planned = {(cell.name.rpartition("/")[0], cell.rule) for cell in cells()}
    assert all(
        (each.network, rule) in planned for each in EXPECTED for rule in (*each.better, *each.worse)
    )


class TestChoice:
    """Learning rate and option that tuning chooses."""

    def test_takes_the_best_held_out_accuracy(self, places: Places) -> None:
        cell = Cell(SMALL, "dfa", (0.1, 0.2), ("scale=1", "scale=3"))
        for job, score in zip(
            cell.tuning(), (0.1, 0.2, 0.9, 0.3), strict=True
        ):  # rates of the first scale, then of the second
            keep(places, job, document(job, score))
        chosen = choice(places, cell, [cell])
        assert chosen is not None
        assert (chosen.rate, chosen.option, len(chosen.runs)) == (0.1, "scale=3", 4)

    def test_of_text_takes_the_least_held_out_loss(self, places: Places) -> None:
        cell = Cell(LANGUAGE, "bp", (0.1, 0.2))
        for job, perplexity, accuracy in zip(cell.tuning(), (90.0, 40.0), (0.9, 0.1), strict=True):
            keep(places, job, document(job, accuracy, perplexity))
        chosen = choice(places, cell, [cell])
        assert chosen is not None
        assert chosen.rate == 0.2

    def test_never_takes_a_run_that_diverged(self, places: Places) -> None:
        cell = Cell(SMALL, "bp", (0.1, 0.2))
        for job, diverged in zip(cell.tuning(), (False, True), strict=True):
            keep(places, job, document(job, 0.9 if diverged else 0.1, diverged=diverged))
        chosen = choice(places, cell, [cell])
        assert chosen is not None
        assert chosen.rate == 0.1

    def test_never_takes_a_run_that_ended_without_a_finite_loss(self, places: Places) -> None:
        cell = Cell(LANGUAGE, "bp", (0.1, 0.2))
        made = [document(job, 0.9) for job in cell.tuning()]
        made[0]["epochs"][-1] |= {"held_out_loss": None, "held_out_perplexity": None}
        for job, each in zip(cell.tuning(), made, strict=True):
            keep(places, job, each)
        chosen = choice(places, cell, [cell])
        assert chosen is not None
        assert chosen.rate == 0.2

    def test_runs_of_an_earlier_plan_are_none(self, places: Places) -> None:
        """Made under the same name with other epochs: made anew, and in no table meanwhile."""
        earlier, cell = (
            Cell(replace(SMALL, tuning_epochs=2), "bp", (0.1, 0.2)),
            Cell(SMALL, "bp", (0.1, 0.2)),
        )
        for job in earlier.tuning():
            keep(places, job, document(job))
        assert choice(places, earlier, [earlier]) is not None
        assert choice(places, cell, [cell]) is None
        assert waiting_jobs(places, [cell], set()) == cell.tuning()
        found = outcomes(places, [cell])
        assert found.finished == 0
        assert set(found.strays) == {job.id for job in earlier.tuning()}

    def test_waits_for_all_tuning_runs(self, places: Places) -> None:
        cell = Cell(SMALL, "bp", (0.1, 0.2))
        keep(places, cell.tuning()[0], document(cell.tuning()[0]))
        assert choice(places, cell, [cell]) is None

    def test_needs_no_runs_where_there_is_nothing_to_choose(self, places: Places) -> None:
        cell = Cell(SMALL, "dfa", (0.1,), ("scale=3",))
        assert choice(places, cell, [cell]) == Choice(0.1, "scale=3")

    def test_is_taken_over_from_another_rule(self, places: Places) -> None:
        first = Cell(SMALL, "revised:groups=4", (0.1, 0.2))
        second = Cell(SMALL, "revised:groups=8", (0.7,), tuned_as="revised:groups=4")
        for job, score in zip(first.tuning(), (0.1, 0.9), strict=True):
            keep(places, job, document(job, score))
        chosen = choice(places, second, [first, second])
        assert second.tuning() == []
        assert chosen is not None
        assert chosen.rate == 0.2


class TestWaitingJobs:
    """What is run next."""

    def test_tuning_and_first_seeds_come_before_second_ones_in_the_plans_order(
        self, places: Places
    ) -> None:
        tuned = Cell(VGG, "bp", (0.1, 0.2), seeds=2)
        plain = Cell(VGG, "dfa", (0.1,), seeds=2)
        plan = [plain, tuned]
        waiting = [
            job.id.split("/", 1)[0] + job.id[-len("-seed=0") :]
            for job in waiting_jobs(places, plan, set())
        ]
        assert waiting == ["final-seed=0", "tuning-seed=0", "tuning-seed=0", "final-seed=1"]
        for job in tuned.tuning():
            keep(places, job, document(job))
        assert [(job.cell.rule, job.recipe.seed) for job in waiting_jobs(places, plan, set())] == [
            ("dfa", 0),
            ("bp", 0),
            ("dfa", 1),
            ("bp", 1),
        ]

    def test_leaves_out_what_is_finished_or_under_way(self, places: Places) -> None:
        cell = Cell(SMALL, "bp", (0.1,), seeds=3)
        keep(places, cell.final(0.1, "", 0), document(cell.final(0.1, "", 0)))
        assert [
            job.recipe.seed for job in waiting_jobs(places, [cell], {cell.final(0.1, "", 1).id})
        ] == [2]

    def test_a_head_waits_for_the_body_that_it_stands_on(self, places: Places) -> None:
        body_setting = Setting("transfer", "cifar10-conv", "cifar10", 2, 1, 64)
        head_setting = Setting("transfer", f"cifar10-conv{HEAD_SUFFIX}", "cifar10", 2, 1, 64)
        body, head = Cell(body_setting, "bp", (0.1,)), Cell(head_setting, "dfa", (0.1,))
        assert [job.cell for job in waiting_jobs(places, [head, body], set())] == [body]
        keep(places, body.final(0.1, "", 0), document(body.final(0.1, "", 0)))
        assert [job.cell for job in waiting_jobs(places, [head, body], set())] == [head]


class TestHead:
    """Fully connected layers on the frozen features of convolutions."""

    def test_is_trained_on_the_features_of_the_body(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body_setting = Setting("transfer", "mnist-conv", "digits", 1, 1, 64, width=0.25)
        body = Cell(body_setting, "bp", (0.05,))
        head = Cell(replace(body_setting, network=f"mnist-conv{HEAD_SUFFIX}"), "ssdfa", (0.05,))
        monkeypatch.setattr("accelsim.studies.accuracy.make.cells", lambda: [body, head])
        made = make_run(places, head.final(0.05, "", 0))
        assert made["cause"]["workload"] == "mnist-conv@0.25-head"
        assert made["cause"]["data"] == "features of digits"
        assert made["epochs"][-1]["test_accuracy"] > 0.5


class TestTables:
    """Tables of made-up results."""

    def test_mean_deviation_and_gap(self, places: Places) -> None:
        plan = [
            Cell(SMALL, "bp", (0.1,), seeds=2),
            Cell(SMALL, "dfa", (0.1,), ("scale=3",), seeds=2),
        ]
        scores = {("bp", 0): 0.90, ("bp", 1): 0.94, ("dfa", 0): 0.80, ("dfa", 1): 0.80}
        keep_all(places, plan, lambda job: document(job, scores[job.cell.rule, job.recipe.seed]))
        table = all_tables(outcomes(places, plan))["fully_connected"]
        t = 12.7062  # Student's t at 97.5 %, one degree of freedom; a mean's error is 2 points
        assert [row[:6] for row in table.rows] == [
            ("digits-fc", "bp", 0.1, "", "plan", "2 of 2"),
            ("digits-fc", "dfa", 0.1, "scale=3", "plan", "2 of 2"),
        ]
        assert table.rows[0][6:] == (92.0, 2.8284, pytest.approx(2 * t, rel=1e-5), 0.0, None)
        assert table.rows[1][6:] == (80.0, 0.0, 0.0, -12.0, pytest.approx(2 * t, rel=1e-5))

    def test_printed_numbers_stand_beside_ours(self, places: Places) -> None:
        plan = [Cell(VGG, "bp", (0.1,)), Cell(VGG, "dfa", (0.1,))]
        keep_all(places, plan, lambda job: document(job, 0.7 if job.cell.rule == "bp" else 0.5))
        table = all_tables(outcomes(places, plan))["convolutional"]
        row = dict(zip((column.key for column in table.columns), table.rows[1], strict=True))
        assert (row["test_accuracy_mean_percent"], row["gap_to_bp_points"]) == (50.0, -20.0)
        assert (
            row["printed_test_accuracy_percent"],
            row["printed_gap_to_bp_points"],
            row["printed_row"],
        ) == (77.78, -14.9, "Original DFA")

    def test_text_has_perplexities_with_and_without_the_unknown_word(self, places: Places) -> None:
        plan = [Cell(LANGUAGE, "bp", (0.1,))]
        made = document(plan[0].final(0.1, "", 0), 0.25, 40.0)
        made["epochs"][-1] |= {
            "test_with_unknown_perplexity": 30.0,
            "test_with_unknown_accuracy": 0.35,
        }
        keep(places, plan[0].final(0.1, "", 0), made)
        table = all_tables(outcomes(places, plan))["text"]
        row = dict(zip((column.key for column in table.columns), table.rows[0], strict=True))
        assert (row["perplexity_mean"], row["perplexity_with_unknown_mean"]) == (40.0, 30.0)
        assert (
            row["test_accuracy_mean_percent"],
            row["test_accuracy_with_unknown_mean_percent"],
        ) == (25.0, 35.0)
        assert row["printed_test_accuracy_percent"] == 24.48

    def test_tuning_scores_and_their_spread(self, places: Places) -> None:
        cell = Cell(SMALL, "dfa", (0.1, 0.2), ("scale=1", "scale=3"))
        for job, score in zip(cell.tuning(), (0.25, 0.5, 0.75, 0.5), strict=True):
            keep(
                places,
                job,
                document(
                    job,
                    score,
                    diverged=job.recipe.learning_rate == 0.2 and job.rule == "dfa:scale=3",
                ),
            )
        rows = all_tables(outcomes(places, [cell]))["tuning_fc"].rows
        assert rows[0] == ("digits-fc", "dfa", 0.1, 25.0, 75.0, 50.0, "scale=3")
        assert rows[1] == ("digits-fc", "dfa", 0.2, 50.0, "diverged", None, "")

    def test_epochs_of_tuning_name_the_rules_that_have_others(self, places: Places) -> None:
        plan = [
            Cell(SMALL, "bp", (0.1, 0.2)),
            Cell(replace(SMALL, tuning_epochs=2), "dfa", (0.1, 0.2)),
            Cell(SMALL, "frozen", (0.1,)),
        ]
        row = all_tables(outcomes(places, plan))["settings"].rows[0]
        assert row[:6] == ("fc", "digits-fc", "digits", 3, "1; dfa 2", 100)

    def test_a_run_that_diverged_has_no_score(self, places: Places) -> None:
        cell = Cell(SMALL, "bp", (0.1,), seeds=2)
        for seed in (0, 1):
            job = cell.final(0.1, "", seed)
            keep(places, job, document(job, 0.6, diverged=bool(seed)))
        assert all_tables(outcomes(places, [cell]))["fully_connected"].rows[0][5:] == (
            "2 of 2, 1 diverged",
            60.0,
            None,
            None,
            0.0,
            None,
        )

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("sdfa:k=0,rank=3", (3, 10)),
            ("sdfa:k=2", (None, 2)),
            ("sdfa:k=5,rank=10", (10, 5)),
            ("bp", (None, None)),
        ],
    )
    def test_rank_and_entries_of_a_rule(
        self, rule: str, expected: tuple[int | None, int | None]
    ) -> None:
        assert rank_and_entries(rule) == expected

    def test_printed_gap(self) -> None:
        assert published.printed_gap("resnet18-cifar10", "hdfa:p=0.3,groups=4") == -1.64
        assert published.printed("vgg16-cifar10", "frozen") is None

    def test_rules_stand_beside_the_printed_row_that_they_are(self) -> None:
        """Rows of table 1 add up, so that modules of convolutions are +Modularization; hybrids have
        the binary feedback that they train with.
        """
        assert published.printed("vgg16-cifar10", "modular") is None
        with_modules = published.printed("vgg16-cifar10", "conv-dfa")
        assert with_modules is not None
        assert (with_modules.row, with_modules.test) == ("+Modularization", 78.56)
        for cell in cells():
            row = published.printed(cell.setting.network, cell.rule)
            if row is not None and cell.rule.startswith("hdfa"):
                assert parse_rule(cell.rule).options.binary == ("BDFA" in row.row)


class TestOrderings:
    """Verdicts."""

    def verdicts(self, places: Places, score: Callable[[Job], dict[str, Any]]) -> dict[str, Any]:
        networks = {each.network for each in EXPECTED}
        plan = [
            cell
            for cell in cells()
            if cell.name.rpartition("/")[0] in networks and cell.setting.part != "sweep"
        ]
        keep_all(places, plan, score)
        table = orderings_table(outcomes(places, plan))
        return {f"{row[0]}: {row[1]}": row[-1] for row in table.rows}

    def test_hold_where_every_margin_is_wide_enough(self, places: Places) -> None:
        hybrids = {
            f"hdfa:p={p},groups=4": level for p, level in ((0.5, 0.8), (0.3, 0.7), (0.1, 0.65))
        }
        levels = {
            "bp": 0.9,
            **hybrids,
            "conv-dfa": 0.62,
            "revised:groups=4": 0.61,
            "dfa": 0.6,
            "frozen": 0.2,
        }
        perplexities = {
            "bp": 30.0,
            "revised:init=bw": 40.0,
            "triangular": 50.0,
            "dfa": 60.0,
            "frozen": 90.0,
        }

        def score(job: Job) -> dict[str, Any]:
            level = levels.get(job.cell.rule, 0.5)
            if job.cell.setting.part in {"fc", "transfer"}:
                level = 0.8 if job.cell.rule == "frozen" else 0.9
            return document(job, level, perplexities.get(job.cell.rule, 70.0))

        assert set(self.verdicts(places, score).values()) == {HOLDS}

    def test_do_not_hold_where_all_rules_score_the_same(self, places: Places) -> None:
        verdicts = self.verdicts(places, document)
        assert {said for said, verdict in verdicts.items() if verdict == HOLDS} == {
            *(
                f"{network}: bp, dfa, ssdfa within 2 points"
                for network in ("digits-fc", "fashion-fc", "fashion-fc3")
            ),
            *(f"cifar10-conv-head@0.25: bp, {rule} within 2.7 points" for rule in ("dfa", "ssdfa")),
        }
        assert set(verdicts.values()) == {HOLDS, FAILS}

    def test_is_withheld_where_a_seed_diverged(self, places: Places) -> None:
        verdicts = self.verdicts(
            places,
            lambda job: document(
                job, diverged=job.cell.rule == "dfa" and job.recipe.seed == 1 and not job.held_out
            ),
        )
        assert verdicts["vgg16-cifar10@0.125: dfa > frozen by 10 points or more"] == DIVERGED
        assert (
            verdicts["vgg16-cifar10@0.125: revised:groups=4 > frozen by 10 points or more"] == FAILS
        )

    def test_are_not_run_without_results(self, places: Places) -> None:
        rows = orderings_table(outcomes(places, cells())).rows
        assert {row[-1] for row in rows} == {NOT_RUN}
        assert all(row[4:7] == (None, None, None) and row[8] is None for row in rows)


class TestReport:
    """The folder of README, tables and plots."""

    def made(self, job: Job) -> dict[str, Any]:
        made = document(job, 0.5 + 0.01 * job.recipe.seed)
        return (
            made | {"filters": np.arange(4 * 5 * 5 * 3).reshape(4, 5, 5, 3).tolist()}
            if job.cell.setting.keep_filters
            else made
        )

    def test_same_results_same_bytes(self, places: Places, tmp_path: Path) -> None:
        keep_all(places, cells(), self.made)
        found = outcomes(places, cells())
        names = write_report(found, tmp_path / "first")
        write_report(found, tmp_path / "second")
        assert {f"{name}.svg" for name in FIGURES} < set(names)
        for name in names:
            assert (tmp_path / "first" / name).read_bytes() == (
                tmp_path / "second" / name
            ).read_bytes(), name
        page = (tmp_path / "first/README.md").read_text()
        assert page.endswith("None: every run of the plan is finished.\n")
        assert all(f"({name})" in page for name in names if name != "README.md")

    def test_the_page_opens_with_six_conclusions_of_at_most_three_values(
        self, places: Places, tmp_path: Path
    ) -> None:
        keep_all(places, cells(), self.made)
        write_report(outcomes(places, cells()), tmp_path)
        lines = (tmp_path / "README.md").read_text().splitlines()
        assert [line[:3] for line in lines[2:9]] == [*(f"{place}. " for place in range(1, 7)), ""]
        for each in CONCLUSIONS:
            fields = [name for _, name, _, _ in Formatter().parse(each.text) if name is not None]
            assert len(fields) == len(each.values) <= 3
        assert lines.index("## Controls and confounds") < lines.index("## Expected orderings")

    def test_a_conclusion_is_the_largest_loss_and_a_dash_without_runs(self, places: Places) -> None:
        of = {"bp": 0.9, "dfa": 0.8, "ssdfa": 0.85}
        plan = [
            Cell(replace(SMALL, network=name), rule, (0.1,)) for name in FC_NETWORKS for rule in of
        ]

        def score(job: Job) -> dict[str, Any]:
            worse = job.cell.setting.network == "fashion-fc" and job.cell.rule != "bp"
            return document(job, of[job.cell.rule] - 0.01 * worse)

        keep_all(places, plan, score)
        said = conclusions(outcomes(places, plan))[2]
        assert "`dfa` loses at most 11.0 points, `ssdfa` 6.0, the output layer alone -." in said

    def test_says_what_is_not_run_and_drops_plots_that_have_gone(
        self, places: Places, tmp_path: Path
    ) -> None:
        out = tmp_path / "report"
        out.mkdir()
        (out / "rank.svg").write_text("an earlier report's")
        (out / "mine.svg").write_text("the user's")
        write_report(outcomes(places, cells()), out)
        page = (out / "README.md").read_text()
        assert "* cnn: `vgg16-cifar10@0.125`, `bp`: tuning 0 of 3, final 0 of 2\n" in page
        assert {path.name for path in out.glob("*.svg")} == {"mine.svg"}

    def test_results_that_the_plan_lacks_are_named(self, places: Places, tmp_path: Path) -> None:
        plan = [Cell(SMALL, "bp", (0.1,))]
        stray = Cell(SMALL, "bp", (0.7,)).final(0.7, "", 0)
        keep(places, stray, document(stray))
        write_report(outcomes(places, plan), tmp_path / "report")
        assert (
            "* `final/digits-fc/bp/lr=0.7-seed=0`: test accuracy "
            in (tmp_path / "report/README.md").read_text()
        )

    def test_refuses_a_file_that_is_no_result(self, places: Places) -> None:
        places.results.mkdir()
        (places.results / "broken.json").write_text("{")
        with pytest.raises(InputError, match=r"broken\.json:1:2: must be JSON, got a syntax error"):
            read_outcomes(places.results, [])

    def test_filters_are_tiles_over_their_own_range(self) -> None:
        image = mosaic(np.arange(2 * 2 * 2 * 3, dtype=float).reshape(2, 2, 2, 3), columns=2)
        assert image.shape == (2, 5, 3)
        assert image[0, 0, 0] == image[0, 3, 0] == 0.0
        assert image[1, 1, 2] == image[1, 4, 2] == 1.0
        assert (image[:, 2] == 1).all()


class TestCommandLine:
    """``python -m accelsim.studies.accuracy``."""

    def test_report(
        self, places: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        places.results.mkdir()
        assert (
            main(["report", "--results", str(places.results), "--out", str(tmp_path / "out")]) == 0
        )
        assert capsys.readouterr().err.splitlines()[0] == f"wrote {tmp_path / 'out/README.md'}"

    @pytest.mark.parametrize(
        ("command", "thing"), [("run --data", "data"), ("report --results", "results")]
    )
    def test_missing_folder(
        self, command: str, thing: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*command.split(), "nowhere"]) == 2
        assert capsys.readouterr().err == f"nowhere: {thing} directory does not exist\n"

    def test_missing_data_set(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["run", "--data", str(tmp_path), "--part", "cnn"]) == 2
        assert capsys.readouterr().err == f"{tmp_path / 'cifar10'}: data directory does not exist\n"

    def test_interrupted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def stopped(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(execute, "run_study", stopped)
        assert main(["run", "--data", str(tmp_path)]) == 130
        assert (
            capsys.readouterr().err
            == "interrupted: finished runs are kept; run the same command again to continue\n"
        )
