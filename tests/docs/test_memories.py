"""The examples of the page on memories, computed again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.kernels.bits.formats import run_entries
from accelsim.kernels.links.banks import stream_cycles
from accelsim.machine.architecture import Machine
from accelsim.machine.words import access_bits, line_bits
from accelsim.results.op import OpResult
from accelsim.results.result import Result
from accelsim.sim.planning.mesh import Mesh
from accelsim.workload.network import Network
from tests.random_machines import machine, trace_of
from tests.reference_networks import Builder
from tests.watched_machine import watch

PAGE = " ".join(
    (Path(__file__).resolve().parents[2] / "docs" / "memories.md")
    .read_text(encoding="utf-8")
    .split()
)


def network() -> Network:
    return Builder("pair", (1, 1, 4)).add("fc", 6).add("relu").add("fc", 3).network()


def run(
    architecture: Machine,
    rule: str = "bp",
    masks: dict[str, np.ndarray] | None = None,
    optimizer: str = "momentum",
) -> Result:
    trace = trace_of(network(), masks) if masks else "dense"
    found = simulate(
        network(), architecture, rule=rule, trace=trace, trace_any_rule=True, optimizer=optimizer
    )
    assert isinstance(found, Result)
    return found


def op(result: Result, name: str) -> OpResult:
    return next(each for each in result.ops if each.name == name)


def test_the_vector_of_eie() -> None:
    vector = np.array([[0, 0, 1, 2, *[0] * 18, 3]]) != 0
    elements, zeros = vector.size, int(vector.sum())
    entries = int(run_entries(vector, 15)[0])
    dense, bitmap, rle = 16 * elements, elements + 16 * zeros, entries * 20
    assert (dense, bitmap, rle) == (368, 71, 80)
    sizes = f"{dense} bits as `dense`, {bitmap} as `bitmap`, and {rle} as `rle` with `run_bits: 4`"
    assert sizes in " ".join(PAGE.split())


@pytest.mark.parametrize(
    ("form", "bits"),
    [("dense", 64), ("bitmap", 4 + 2 * 16), ("rle", 2 * 20), ("csc", 2 * 20 + 2 * 32)],
)
def test_the_input_in_every_format(form: str, bits: int) -> None:
    masks = {"fc0.input": np.array([[True, False, False, True]])}
    result = run(machine("von_neumann", format__activation=form), masks=masks)
    found = op(result, "fc0.FF").bytes.dram_read
    assert found == 48 + -(-bits // 8)
    (row,) = re.findall(rf"\| `{form}` \| (\d+)[^|]* \| (\d+) \|", PAGE)
    assert row == (str(bits), str(found))
    said = any("the zeros of" in note and "fc0.out" in note for note in result.notes)
    assert said is (form != "dense")


def test_the_links_of_the_mesh() -> None:
    mesh = Mesh.of(machine(noc__topology="mesh"))
    assert mesh is not None
    assert mesh.port_rows == (1,)
    assert mesh.spread(range(6), 1, 6).sum() == 6
    each = mesh.spread(range(6), 6, 1)
    assert (each.sum(), each.max()) == (15, 6)
    assert mesh.gather(range(6), 6).sum() == 15
    pairs = mesh.exchange(range(6), 36)
    assert (int(pairs.sum()), int(pairs.max())) == (50, 4)
    assert "between all pairs of PEs | 50 | 4 words |" in PAGE


def test_the_streams_over_four_banks() -> None:
    taken = [stream_cycles(16, 16, 16, stride, 4, 16, 0) for stride in (1, 2, 3, 4)]
    assert taken == [4, 8, 4, 16]
    blocks = stream_cycles(16, 16, 16, 1, 4, 16, 100)
    assert blocks == 16
    orders = ("consecutive", *(f"stride of {stride} words" for stride in (2, 3, 4)))
    for order, cycles in zip(orders, taken, strict=True):
        assert f"| {order} | {cycles} |" in PAGE
    assert f"| consecutive, `interleave: block` | {blocks} |" in PAGE


def test_conflicts_of_banks_stall_where_a_stride_meets_few_of_them() -> None:
    """EP of fc2 reads 3 x 6 weights with a stride of 6 words, which meets only one of two banks."""
    small = {"global_buffer__banks": 2, "global_buffer__width": 16, "noc__width": 512}
    ideal, modelled = (
        run(machine("von_neumann", global_buffer__conflicts=each, **small))
        for each in ("ideal", "modelled")
    )
    # Of the three words of a column, all in one bank, each takes a cycle; the next column is in the
    # other bank.
    assert stream_cycles(18, 16, 3, 6, 2, 16, 0) == 6 * 3 - 5
    assert op(modelled, "fc2.EP").cycles > op(ideal, "fc2.EP").cycles
    assert op(modelled, "fc2.FF").cycles == op(ideal, "fc2.FF").cycles
    stalls = [op(each, "fc2.EP").array_cycles.stall.bank for each in (ideal, modelled)]
    assert stalls[1] > stalls[0]


@pytest.mark.parametrize("part", ["scratchpad", "global_buffer"])
def test_a_second_port_is_never_slower(part: str) -> None:
    small = {f"{part}__banks": 1, f"{part}__width": 8}
    one, two = (run(machine(**{**small, f"{part}__ports": ports})) for ports in (1, 2))
    assert two.cycles < one.cycles
    assert two.to_json()["bytes"] == one.to_json()["bytes"]


def test_the_words_of_each_policy() -> None:
    macs, errors, outputs = 18, 3, 6
    expected = {
        "`remote_read`": (2 * macs + 2 * macs + errors * 6 + outputs, macs),
        "`psum_reduce`": (2 * macs + 2 * 2 * outputs + errors + outputs, 2 * outputs),
        "`transposable`": (2 * macs + errors * 6 + outputs, 0),
        "DFA, `feedback: stored`": (2 * macs + errors * 6 + outputs, 0),
        "DFA, `feedback: prng`": (macs + errors * 6 + outputs, 0),
    }
    for name, (local, remote) in expected.items():
        policy = name.split("`")[1]
        is_feedback = "DFA" in name
        architecture = (
            machine(near_memory__feedback=policy.split()[-1])
            if is_feedback
            else machine(near_memory__transpose=policy)
        )
        words = op(run(architecture, "dfa" if is_feedback else "bp"), "fc2.EP").words
        assert (words.local, words.remote) == (local, remote), name
        assert f"| {name} | {local} | {remote} |" in PAGE


def test_what_spills_is_read_at_every_use_and_said() -> None:
    result = run(machine(scratchpad__working="300B", scratchpad__capacity="309B"), optimizer="sgd")
    assert result.spilled_words == 18
    note = next(note for note in result.notes if "no room" in note)
    assert f'"{note}"' in PAGE
    assert {name: op(result, name).words.dram for name in ("fc2.FF", "fc2.EP", "fc2.WU")} == {
        "fc2.FF": 18,
        "fc2.EP": 18,
        "fc2.WU": 36,
    }
    assert not [note for note in run(machine()).notes if "no room" in note]


@pytest.mark.parametrize("capacity", [56, 64, 72, 80, 88])
def test_copies_last_leave_room_for_state(capacity: int) -> None:
    cells = []
    for order in ((), ("weights", "feedback", "gradients", "optimizer_state", "copies", "stash")):
        wide = machine(
            pe_array__rows=32,
            pe_array__cols=32,
            pe_array__lanes=4,
            scratchpad__capacity=f"{capacity}KiB",
            **({"placement__order": list(order)} if order else {}),
        )
        found = simulate("vgg16-cifar10", wide, batch=1, optimizer="momentum")
        cells += [f"{found.cycles / 1e6:.2f}M", f"{found.bytes.dram / 1e6:.1f} MB"]
    assert f"| {capacity} KiB | {' | '.join(cells)} |" in PAGE


def test_the_words_of_a_stash_in_scratchpads() -> None:
    small = {"global_buffer__capacity": "129B", "global_buffer__staging": "64B"}
    columns = []
    for stash in ("buffer", "scratchpad"):
        architecture = machine(**small, placement__stash=stash)
        words = run(architecture).words
        records = watch(network(), architecture).run.records
        bits = [
            sum(getattr(record.plan, name) for record in records)
            for name in ("stash_in_bits", "stash_out_bits")
        ]
        columns.append([words.dram, words.local, words.global_buffer, *bits])
    rows = (
        "words over DRAM",
        "local words",
        "words of the global buffer",
        "bits up the tree in the load stages",
        "bits down the tree in the store stages",
    )
    for name, before, after in zip(rows, *columns, strict=True):
        assert f"| {name} | {before} | {after} |" in PAGE


BEFORE_COPIES = ["weights", "feedback", "gradients", "optimizer_state", "stash", "copies"]


@pytest.mark.check
@pytest.mark.parametrize(
    ("said", "placement"),
    [
        ("`stash: buffer`", {"placement__stash": "buffer"}),
        ("`stash: auto`", {"placement__stash": "auto"}),
        ("`stash: scratchpad`", {"placement__stash": "scratchpad"}),
        (
            "`stash: auto`, before copies",
            {"placement__stash": "auto", "placement__order": BEFORE_COPIES},
        ),
    ],
)
def test_a_stash_of_a_large_batch(said: str, placement: dict[str, object]) -> None:
    architecture = machine(
        pe_array__rows=32,
        pe_array__cols=32,
        pe_array__lanes=4,
        scratchpad__capacity="64KiB",
        **placement,
    )
    found = simulate("vgg16-cifar10", architecture, batch=16, optimizer="sgd")
    most = [note.split()[5] for note in found.notes if note.endswith("bytes of the stash")]
    held = f" {int(most[0]) / 1e6:.1f} MB " if most else " "
    cells = f"{found.cycles / 1e6:.2f}M | {found.bytes.dram / 1e6:.1f} MB"
    assert f"| {said} | {cells} |{held}|" in PAGE


def test_a_first_step_loads_homes_and_copies() -> None:
    warm, cold = (
        simulate(network(), machine(), trace="dense", warm=warm) for warm in (True, False)
    )
    weights, momenta = {"fc0": 4 * 6, "fc2": 6 * 3}, 24 + 18
    more = cold.words.dram - warm.words.dram
    assert more == sum(weights.values()) + momenta == 84
    written = cold.words.local - warm.words.local
    assert written == 24 + 2 * 18 + momenta == 102
    assert f"the example loads {more} words more from DRAM than a later step" in PAGE
    assert f"24 + 2 x 18 + 42 = {written} words are written to scratchpads" in PAGE


@pytest.mark.parametrize("width", [16, 64, 256])
def test_the_accesses_of_a_stream(width: int) -> None:
    operands, masks = 2 * access_bits(24, 16, width), 2 * line_bits(60, 1, width)
    assert f"| {width} | {operands} | {masks} |" in PAGE
    assert 2 * line_bits(60, 16, width) == {16: 1920, 64: 1920, 256: 2048}[width]
    assert "it would read 1920 bits at widths of 16 and 64 and 2048 at 256" in PAGE
