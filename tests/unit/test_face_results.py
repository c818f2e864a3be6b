"""Results in Python: data frames, files, figures, HTML and one-line texts."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import accelsim
from accelsim import Comparison, HybridResult, InputError, Result
from accelsim.report.runs import Runs
from accelsim.report.style import joules
from accelsim.report.tables.registry import tables
from accelsim.results import kinds
from accelsim.results.op import CAUSES
from accelsim.results.shown import Per
from tests import synthetic


def parsed(**changes: object) -> Result:
    return Result.parse(synthetic.result(**changes))  # type: ignore[arg-type]  # of a dict


def compared() -> Comparison:
    return Comparison.parse(synthetic.comparison(synthetic.result(), synthetic.result("dfa")))


@cache
def hybrid() -> Result:
    return accelsim.simulate("mnist-fc", rule="hdfa", trace="random:0.5", trace_any_rule=True)


def test_a_result_says_in_one_line_what_it_is() -> None:
    result = parsed()
    assert repr(result) == (
        f"Result(two-layers on near-memory, rule bp, batch {result.batch}: "
        f"{result.cycles:,} cycles, {joules(result.energy_pj)})"
    )
    assert repr(replace(result, energy_pj=1.002e10)).endswith("cycles, 10.0 mJ)")
    lines = repr(compared()).splitlines()
    assert lines[0] == "Comparison(baseline bp:"
    assert lines[2].startswith("  Result(two-layers on near-memory, rule dfa, batch ")


def test_a_frame_has_a_row_per_op_whose_sums_are_the_results() -> None:
    result = parsed()
    frame = result.to_dataframe()
    assert list(frame["op"]) == [op.name for op in result.ops]
    by_pass = frame.groupby("pass")["cycles"].sum()
    assert by_pass["EP"] == result.passes["EP"].cycles
    for column, total in (
        ("macs_executed", result.macs.executed),
        ("remote_words", result.words.remote),
        ("dram_read_bytes", result.bytes.dram_read),
        ("vector_ops", result.vector_ops),
    ):
        assert frame[column].sum() == total, column
    assert frame["energy_pj"].sum() + result.unattributed_pj == pytest.approx(result.energy_pj)
    parts = [f"{name}_pj" for name in result.energy_by_component_pj]
    assert frame[parts].sum(axis=1).to_list() == pytest.approx(frame["energy_pj"].to_list())
    causes = [f"{name}_cycles" for name in CAUSES]
    assert (frame[causes].sum(axis=1) == frame["cycles"]).all()


def test_a_frame_of_a_comparison_has_a_row_per_run_or_per_op() -> None:
    comparison = compared()
    runs = comparison.to_dataframe().set_index("run")
    assert list(runs.index) == ["bp", "dfa"]
    assert runs.loc["bp", "cycles_ratio"] == 1
    assert runs.loc["dfa", "cycles"] == comparison.results[1].cycles
    ops = comparison.to_dataframe(per="op")
    assert list(ops.columns[:5]) == ["run", "workload", "arch", "rule", "op"]
    assert len(ops) == sum(len(result.ops) for result in comparison.results)
    assert len(parsed().to_dataframe(per="run")) == 1
    assert list(parsed().to_dataframe(per="layer")["layer"]) == ["conv1", "conv2"]
    assert "total" not in set(comparison.to_dataframe(per="pass")["pass"])
    with pytest.raises(InputError, match="per must be one of run, pass, layer, op, got day"):
        comparison.to_dataframe(per="day")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("per", ["run", "pass", "layer", "op"])
def test_frames_of_a_sweep_can_be_put_together_and_summed(per: Per) -> None:
    import pandas as pd

    results = [parsed(), parsed(arch="eie", rule="dfa")]
    frame = pd.concat([result.to_dataframe(per=per) for result in results])
    assert not [name for name in frame.columns if name.endswith("_ratio")]
    assert set(frame["workload"]) == {"two-layers"}
    cycles = frame.groupby(["arch", "rule"])["cycles"].sum()
    assert cycles["near-memory", "bp"] == cycles["eie", "dfa"] == results[0].cycles
    if per == "pass":
        assert {type(name) for name in frame["pass"]} == {str}


def test_tables_of_several_machines_have_machine_and_rule_apart_from_the_label() -> None:
    one, other = synthetic.result(), synthetic.result("dfa", arch="eie")
    for documents in ([one], [one, other]):
        runs = Runs.of([Result.parse(each) for each in documents])
        for table in tables(runs):
            keys = [column.key for column in table.columns]
            if "run" in keys:
                assert keys[:4] == ["run", "workload", "arch", "rule"], table.name


@pytest.mark.parametrize(("per", "got"), [("", "''"), ([], r"\[\]"), (["op"], r"\['op'\]")])
def test_a_frame_per_nothing_is_refused(per: Any, got: str) -> None:
    with pytest.raises(InputError, match=f"^per must be one of run, pass, layer, op, got {got}$"):
        parsed().to_dataframe(per)


def test_a_hybrid_result_has_the_ops_of_every_kind_of_step() -> None:
    result = hybrid()
    assert isinstance(result, HybridResult)
    assert repr(result).startswith("HybridResult(mnist-fc on near-memory, rule hdfa")
    assert len(result.ops) == sum(len(step.result.ops) for step in result.steps) > 0
    assert [type(step.result) for step in result.steps] == [Result, Result]
    frame = result.to_dataframe()
    assert list(frame["step_kind"].unique()) == [step.kind for step in result.steps]
    assert math.isclose((frame["weight"] * frame["cycles"]).sum(), result.cycles)


def test_a_hybrid_document_is_read_as_one_alone_and_in_a_comparison() -> None:
    document = hybrid().to_json()
    assert document["ops"] == []
    read = Result.parse(document)
    assert isinstance(read, HybridResult)
    assert read == hybrid()
    comparison = kinds.parse(synthetic.comparison(synthetic.result(), document), kinds.SIMULATIONS)
    assert isinstance(comparison, Comparison)
    assert [type(each) for each in comparison.results] == [Result, HybridResult]


def test_without_pandas_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^to_dataframe\(\) needs pandas: pip install pandas$"):
        parsed().to_dataframe()


def test_saving_writes_a_document_or_the_folder_of_out(tmp_path: Path) -> None:
    result = parsed()
    file = result.save(tmp_path / "new" / "mine.json")
    assert file == tmp_path / "new" / "mine.json"
    assert Result.read(str(file)) == result
    assert [path.name for path in file.parent.iterdir()] == ["mine.json"]
    assert result.save(str(tmp_path / "folder")) == tmp_path / "folder" / "result.json"
    written = compared().save(tmp_path / "both")
    assert json.loads(written.read_text()) == compared().to_json()
    assert {"energy.png", "totals.csv", "dfa"} <= {path.name for path in written.parent.iterdir()}


def test_a_file_of_another_kind_is_not_written(tmp_path: Path) -> None:
    for name in ("x.csv", "x.Png", "x.parquet"):
        fault = rf"path must be a folder or a file that ends in \.json, got .*{name}"
        for document in (parsed(), compared()):
            with pytest.raises(InputError, match=fault):
                document.save(tmp_path / name)
    assert not [*tmp_path.iterdir()]
    (tmp_path / "my.runs").mkdir()
    assert parsed().save(tmp_path / "my.runs").is_file()
    assert parsed().save(tmp_path / "rate0.5").is_file()
    with pytest.raises(InputError, match="path must be a folder or a file, got 3"):
        parsed().save(3)  # type: ignore[arg-type]  # wrong on purpose


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/result.json"):
        with pytest.raises(InputError, match=r"path must be a folder, got .*file"):
            parsed().save(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("several", [False, True], ids=["result", "comparison"])
@pytest.mark.parametrize("name", ["energy", "cycles", "movement"])
def test_figures_are_drawn_into_the_axes_given(name: str, several: bool) -> None:
    document = compared() if several else parsed()
    axes = Figure().subplots()
    assert getattr(document.plot, name)(ax=axes) is axes
    sizes = [max(patch.get_height(), patch.get_width()) for patch in axes.patches]
    assert max(sizes) > 0
    assert axes.get_title().startswith("two-layers, near-memory")
    assert ("rule bp" in axes.get_title()) is not several
    entries = axes.get_legend().get_texts() if axes.get_legend() else []
    assert len(entries) > 1 or (name == "movement" and not several)


@pytest.mark.parametrize("name", ["energy", "cycles", "movement"])
@pytest.mark.parametrize("several", [False, True], ids=["result", "comparison"])
def test_names_of_bars_do_not_touch_and_titles_are_not_cut(name: str, several: bool) -> None:
    arch = "von-neumann-of-long-name"
    results = [
        synthetic.result(each, arch=kind) for kind in ("eie", arch) for each in ("bp", "dfa")
    ]
    document = Comparison.parse(synthetic.comparison(*results)) if several else parsed(arch=arch)
    figure = Figure(figsize=(12, 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, 3))
    for axes in panels:
        getattr(document.plot, name)(ax=axes)
    figure.draw_without_rendering()
    for axes in panels:
        title = axes.title.get_window_extent()
        assert title.x0 >= 0
        assert title.x1 <= figure.bbox.width
        marks = axes.get_xticklabels()
        boxes = [text.get_window_extent() for text in marks if text.get_text()]
        turned = {text.get_rotation() for text in marks} <= {45.0, 90.0}
        assert turned or all(one.x1 < next_.x0 for one, next_ in pairwise(boxes))
        pitch = axes.get_window_extent().width / len(boxes)
        assert not turned or pitch > 10  # a line of letters, 8 points high


def test_bars_of_a_figure_have_the_results_sizes() -> None:
    result = parsed()
    axes = result.plot.cycles(ax=Figure().subplots())
    tops = [patch.get_y() + patch.get_height() for patch in axes.patches]
    most = max(sum(result.cycles_by_cause(name).values()) for name in result.passes)
    assert max(tops) == pytest.approx(most)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["FF", "EP", "WG", "WU"]
    words = result.plot.movement(ax=Figure().subplots()).patches
    assert [bar.get_height() for bar in words] == [
        result.words.local,
        result.words.remote,
        result.words.global_buffer,
        result.words.dram,
    ]


def test_figures_of_many_runs_and_without_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    from matplotlib import pyplot as plt

    rules = [f"bp{index}" for index in range(8)]
    many = Comparison.parse(synthetic.comparison(*map(synthetic.result, rules)))
    axes = many.plot.energy()
    assert isinstance(axes, Axes)
    assert [text.get_text() for text in axes.get_yticklabels()] == rules
    plt.close("all")


def test_html_has_the_numbers_and_escapes_names() -> None:
    result = parsed(rule="<b>")
    html = result._repr_html_()
    assert "<td" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert f"{result.cycles:,}" in html
    assert f"{result.passes['EP'].cycles:,}" in html
    assert "1.00x" in compared()._repr_html_()
