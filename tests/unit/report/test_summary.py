"""The summary of simulate and compare: what it says is what the numbers say, on 80 by 30."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from accelsim.config.describe import keys
from accelsim.config.registries import PE_KINDS
from accelsim.experiment.compare import compare
from accelsim.machine.architecture import Machine
from accelsim.report.runs import Runs
from accelsim.report.style import COMPONENT_NAMES
from accelsim.report.summary import printing, sentences
from accelsim.report.summary.levers import CAUSE_WORDS, ENERGY_KEYS, LANE_KEYS, STALL_KEYS
from accelsim.report.tables.steps import totals_table
from accelsim.results import kinds
from accelsim.results.op import CAUSES
from tests import synthetic

LONG = "revised:groups=8,binary=true"


def runs(*documents: dict[str, Any]) -> Runs:
    return Runs.of([kinds.parse(document, kinds.SIMULATIONS) for document in documents])


def printed(shown: Runs, width: int = 80) -> str:
    text = io.StringIO()
    printing.print_summary(shown, Console(file=text, width=width, highlight=False))
    return text.getvalue()


def only(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document of a run of these passes alone."""
    ops = [op for op in document["ops"] if op["pass"] in names]
    for name, totals in document["passes"].items():
        if name not in names:
            totals["cycles"] = totals["energy_pj"] = 0
    return document | {"ops": ops, "cycles": sum(op["cycles"] for op in ops), "array_cycles": None}


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(runs(synthetic.result()), id="one"),
        pytest.param(runs(synthetic.comparison()), id="three"),
        pytest.param(
            runs(
                *(
                    synthetic.result(
                        rule,
                        arch,
                        scale=3_000_000_000,
                        notes=[f"{rule} on {arch}: a remark that takes a line, or two of them"],
                    )
                    for arch in ("near-memory", "von-neumann")
                    for rule in ("bp", "dfa", LONG)
                )
            ),
            id="rules-by-machines",
        ),
        pytest.param(
            runs(
                *(
                    synthetic.result(rule, arch, notes=[f"{rule}: a remark"])
                    for arch in ("near-memory", "von-neumann", "eyeriss-like")
                    for rule in ("bp", "dfa", "fa", LONG)
                )
            ),
            id="twelve",
        ),
        pytest.param(runs(synthetic.hybrid(0.25)), id="hybrid"),
        pytest.param(runs(synthetic.result(schedule="unlocked")), id="unlocked"),
        pytest.param(runs(only(synthetic.result(), "FF", "WG")), id="passes"),
    ],
)
def test_a_summary_fits_80_by_30(shown: Runs) -> None:
    lines = printed(shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 30
    assert lines[-1] == printing.REST
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("machines", "rules", "setting"),
    [
        (["near-memory"], "bp", {}),
        (["near-memory", "von-neumann"], "bp,dfa,revised:groups=8;binary=true", {}),
        (["near-memory", "eie"], "bp,hdfa:p=0.5;groups=8", {"schedule": "unlocked"}),
        (["systolic-32x32"], "bp,ssdfa", {"passes": ["wg", "wu"]}),
    ],
)
def test_summaries_of_runs_fit_80_by_30(
    machines: list[str], rules: str, setting: dict[str, Any]
) -> None:
    comparison = compare("mnist-fc", machines, rules, trace="dense", **setting)
    lines = printed(Runs.of([comparison])).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 30
    assert not any(word in "\n".join(lines) for word in ("None", "nan", "inf "))


def test_every_run_has_a_row_before_levers_are_told() -> None:
    documents = [
        synthetic.result(f"{rule}:sparsity=0.5", arch, scale=scale * 1_000_000_000)
        for arch in ("lnpu-like", "near-memory")
        for scale, rule in enumerate(("frozen", "ssdfa", "hdfa"), 2)
    ]
    for document in documents[3:]:
        document["seconds"] /= 2
    text = printed(runs(*documents))
    assert len(text.splitlines()) <= 30
    assert len(re.findall(r"sparsity=0.5 +\d", text)) == len(documents)
    assert "more run" not in text
    assert "Biggest lever" not in text
    assert "Biggest lever" in printed(runs(*documents[:3]))


def test_rows_that_are_left_out_count_in_units_and_ratios() -> None:
    documents = [synthetic.result(f"r{index}", f"m{index}") for index in range(20)]
    documents[-1]["seconds"] /= 2  # another clock: times are compared
    text = printed(runs(*documents))
    assert re.search(r"\d+ more runs: --tables totals", text)
    head = next(line for line in text.splitlines() if line.startswith(" run "))
    assert re.match(r" run +cycles +us ratio", head)


@pytest.mark.parametrize("width", [50, 60])
def test_a_narrow_summary_is_cut_nowhere(width: int) -> None:
    lines = printed(runs(synthetic.comparison()), width).splitlines()
    assert max(map(len, lines)) <= width


def test_a_single_run_is_told_in_its_own_units() -> None:
    text = sentences.costs(runs(synthetic.result()))
    assert text == "Under bp, a step takes 127k cycles (159 us) and 2.07 uJ."


def test_runs_are_told_against_the_first() -> None:
    slow = synthetic.result("dfa", scale=200_000)
    text = sentences.costs(runs(synthetic.result(), slow, synthetic.result("fa")))
    assert text == (
        "Against bp, a step under dfa takes 1.96x the cycles and 1.92x the energy; "
        "under fa 1.00x the cycles and 1.00x the energy."
    )


def test_of_many_runs_the_extremes_are_told() -> None:
    many = [synthetic.result(f"r{index}", scale=(6 - index) * 100_000) for index in range(5)]
    assert sentences.costs(runs(*many)).startswith("For a step, r4 takes the fewest cycles, ")


def test_there_is_no_ratio_to_nothing() -> None:
    none = synthetic.result("bp", remote_ep=0)
    text = printed(runs(none, synthetic.result("dfa")))
    row = next(line for line in text.splitlines() if line.startswith(" dfa "))
    assert row.endswith("80.0k     -")
    assert printing.DASH in text
    assert printing.DASH not in printed(runs(synthetic.comparison()))


def test_the_passes_of_a_partial_run_are_named() -> None:
    shown = runs(only(synthetic.result(), "FF", "WG"))
    assert sentences.costs(shown).startswith("Under bp, the passes FF and WG of a step take ")
    assert sentences.costs(runs(only(synthetic.result(), "FF"))).startswith(
        "Under bp, the FF pass of a step takes "
    )


def test_a_hybrid_s_numbers_are_means() -> None:
    hybrid, plain = synthetic.hybrid(0.25), synthetic.result("fa")
    mean = f"{hybrid['rule']} (mean over its kinds of step)"
    assert sentences.costs(runs(hybrid)).startswith(f"Under {mean}, a step takes ")
    label = f"{mean} takes "
    assert label in sentences.costs(runs(synthetic.result(**same_place(hybrid)), hybrid))
    against = sentences.costs(runs(hybrid, plain | same_place(hybrid)))
    assert against.startswith(f"Against {mean}, a step under fa takes ")


def same_place(document: dict[str, Any]) -> dict[str, Any]:
    """The document's workload and machine, so that labels are rules alone."""
    return {key: document[key] for key in ("workload", "arch", "optimizer") if key in document}


def test_a_hybrid_rule_with_one_kind_of_step_has_no_mean() -> None:
    one = synthetic.hybrid(0.25)
    one["steps"] = [one["steps"][0] | {"weight": 1.0}]
    assert "mean" not in sentences.costs(runs(one))


def test_equal_runs_are_all_named() -> None:
    same = [synthetic.result(f"r{index}") for index in range(5)]
    assert sentences.costs(runs(*same)) == (
        "For a step, every run takes the same cycles, 127k, and the same energy, 2.07 uJ."
    )
    tied = sentences.costs(runs(synthetic.result("slow", scale=200_000), *same[:4]))
    assert tied.startswith("For a step, r0, r1, r2 and r3 take the fewest cycles, 127k (")
    tied = sentences.costs(runs(synthetic.result("slow", scale=200_000), *same))
    assert tied.startswith("For a step, r0, r1, r2 and 2 more take the fewest cycles, 127k (")


def test_a_ratio_to_little_is_given_if_the_other_run_moves_much() -> None:
    little = synthetic.result("bp", remote_ep=3)
    row = next(
        line
        for line in printed(runs(little, synthetic.result("dfa"))).splitlines()
        if line.startswith(" dfa ")
    )
    assert row.endswith("80.0k >9999x")
    little = synthetic.result("bp", remote_ep=200)
    row = next(
        line
        for line in printed(runs(little, synthetic.result("dfa"))).splitlines()
        if line.startswith(" dfa ")
    )
    assert row.endswith("80.0k  200x")
    row = next(
        line
        for line in printed(runs(little, little | {"rule": "dfa"})).splitlines()
        if line.startswith(" dfa ")
    )
    assert row.endswith("-")


def test_the_longest_pass_is_told_with_its_largest_cause() -> None:
    document = synthetic.result()
    share = document["passes"]["WG"]["cycles"] / document["cycles"]
    assert sentences.longest(runs(document)) == (
        f"The longest pass is WG, with {100 * share:.0f} % of the cycles; "
        "60 % of the pass is spent computing."
    )


def test_where_ops_overlap_or_one_pass_ran_no_pass_is_told() -> None:
    said = "Largest share of the array's cycles: 60 % computing."
    assert sentences.longest(runs(only(synthetic.result(), "FF"))) == said
    shown = runs(synthetic.result(schedule="unlocked"), synthetic.result("dfa"))
    assert sentences.longest(shown) == (
        "Largest share of the array's cycles: in bp 57 % computing, in dfa 57 % computing."
    )


def test_the_biggest_lever_comes_first() -> None:
    assert sentences.levers(runs(synthetic.result())) == (
        "Biggest lever in bp: computing, 57 % of the cycles (more pe_array.rows, cols or lanes); "
        "then DRAM, 42 % of the energy (another dram.standard or a narrower precision)."
    )
    rows = {"pe_array": {"kind": "row_stationary", "rows": 4, "cols": 4}}
    shown = runs(synthetic.result(machine=rows))
    assert "(more pe_array.rows or cols);" in sentences.levers(shown)


def waiting(document: dict[str, Any], dram: int, idle: int = 1000) -> dict[str, Any]:
    """The document with these cycles of waiting for DRAM, and of idle lanes."""
    cycles = dict.fromkeys(("busy", "window_empty", "imbalance"), 0) | {"idle": idle}
    stalls = dict.fromkeys(("noc", "bank", "dependency", "drain"), 0) | {"dram": dram}
    return document | {"array_cycles": {**cycles, "stall": stalls}}


def test_a_small_share_is_no_lever() -> None:
    energy = "Biggest lever in bp: DRAM, 42 % of the energy "
    assert sentences.levers(runs(waiting(synthetic.result(), dram=40))).startswith(energy)
    shown = runs(waiting(synthetic.result(), dram=4000))
    assert sentences.levers(shown).startswith(
        "Biggest lever in bp: waiting for DRAM, 80 % of the cycles (more dram.channels or a faster "
        "dram.standard); then"
    )


def test_lanes_are_no_lever_where_many_are_idle() -> None:
    array = waiting(synthetic.result(), dram=400, idle=900)
    array["array_cycles"]["busy"] = 1000
    said = sentences.levers(runs(array))
    assert "waiting for DRAM, 17 % of the cycles" in said
    assert "computing" not in said


def test_the_fastest_run_on_another_machine_has_its_lever() -> None:
    own = [synthetic.result(arch="mychip", scale=scale) for scale in (90_000, 80_000)]
    shown = runs(waiting(synthetic.result(), dram=4000), *own)
    said = sentences.levers(shown)
    assert said.startswith("Biggest lever in near-memory/bp: waiting for DRAM, 80 % ")
    assert ". In mychip/bp #2: computing, 57 % of the cycles" in said


def test_an_optimizer_s_state_without_room_is_the_lever() -> None:
    document = waiting(synthetic.result(optimizer="momentum", spilled_words=50_000), dram=4000)
    for name, totals in document["passes"].items():
        totals["words"]["dram"] = 100_000 if name == "WU" else 0
    document["words"]["dram"] = 100_000
    said = (
        "waiting for DRAM, 80 % of the cycles, as the optimizer's state does not fit: 100 % of "
        "the DRAM words are WU's (--optimizer sgd or a larger scratchpad.capacity)"
    )
    assert said in sentences.levers(runs(document))
    assert "state" not in sentences.levers(runs(document | {"optimizer": "sgd"}))
    document["passes"]["FF"]["words"]["dram"] = 50_000  # weights spill, which FF reads
    assert "state" not in sentences.levers(runs(document))


def test_machines_of_different_clocks_are_compared_in_time() -> None:
    fast = synthetic.result(arch="fast")
    shown = runs(synthetic.result(), fast | {"seconds": fast["seconds"] / 2})
    assert sentences.costs(shown) == (
        "Against near-memory/bp, a step under fast/bp takes 0.50x the time and 1.00x the energy."
    )
    row = next(line for line in printed(shown).splitlines() if line.startswith("   bp"))
    assert row.split()[1:4] == ["127k", "159", "1.00x"]
    totals = totals_table(shown)
    place = [column.key for column in totals.columns].index("seconds_ratio")
    assert totals.rows[1][place] == 0.5
    assert totals.columns[place].heading == "ratio"
    assert not totals_table(runs(synthetic.comparison())).columns[place].heading
    many = [synthetic.result(f"r{index}") for index in range(4)]
    said = sentences.costs(runs(*many, fast | {"seconds": fast["seconds"] / 2}))
    assert "fast/bp takes the least time, 79.6 us (0.50x of near-memory/r0)" in said


def test_small_values_keep_three_digits() -> None:
    few = synthetic.result("dfa")
    shown = runs(synthetic.result() | {"energy_pj": 4e12}, few | {"energy_pj": 4e6})
    assert " 4.00 J " in printed(shown)
    assert " 4.00 uJ " in printed(shown)


def test_nothing_is_said_of_nothing() -> None:
    document = only(synthetic.result())
    document |= {"energy_pj": 0.0, "energy_by_component_pj": {}, "interval_cycles": 0}
    assert sentences.sentences(runs(document)) == [
        f"Under bp, a step takes 0 cycles ({document['seconds'] * 1e6:.3g} us) and 0 J."
    ]


def test_every_key_of_a_lever_is_a_key_of_machines() -> None:
    assert set(CAUSE_WORDS) == set(CAUSES)
    assert set(STALL_KEYS) == {cause for cause in CAUSES if cause.startswith("stall")}
    assert set(ENERGY_KEYS) == set(COMPONENT_NAMES)
    sections = keys(Machine)
    arrays = [PE_KINDS.resolve(kind) for kind in PE_KINDS.names()]
    texts = [*LANE_KEYS, *(text for texts in (STALL_KEYS | ENERGY_KEYS).values() for text in texts)]
    for name in re.findall(r"[a-z_]+\.[a-z_]+", " ".join(texts)):
        section, _, key = name.partition(".")
        assert section in sections
        models = arrays if section == "pe_array" else [sections[section].annotation]
        assert any(key in keys(model) for model in models)


def test_long_names_of_machines_are_cut_in_sentences() -> None:
    name = "-".join(["a-very-long-name-of-a-machine"] * 4)
    shown = runs(synthetic.result(), synthetic.result(arch=name))
    text = printed(shown)
    assert max(map(len, text.splitlines())) <= 80
    assert "a-very-long-name-of-a.../bp" in text
    assert "".join(text.split()).count(name) == 1  # above its rows, broken at hyphens
