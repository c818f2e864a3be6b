"""Tables of ops and of layers, including those of every kind of step of a hybrid rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from accelsim.report.runs import Runs
from accelsim.report.style import component_columns
from accelsim.report.table import Cell, Column, Table
from accelsim.report.tables.inputs import input_columns
from accelsim.results.op import BYTE_KINDS, CAUSES, PASSES, WORD_KINDS, Macs, OpResult
from accelsim.results.result import Result

MAC_KINDS = Macs.field_names()


@dataclass(frozen=True)
class OpLine:
    """A row's object: an op of a run. ``step``: its kind of step, empty if there is only one.
    ``weight``: the fraction of steps of that kind.
    """

    run: str
    result: Result
    step_kind: str
    weight: float
    op: OpResult


def op_lines(runs: Runs) -> Iterator[OpLine]:
    """Every op of every run, in order."""
    for label, result in zip(runs.labels, runs.results, strict=True):
        for kind, weight, step in steps_of(result):
            for op in step.ops:
                yield OpLine(label, result, kind, weight, op)


def steps_of(
    result: Result, kind: str = "", weight: float = 1
) -> Iterator[tuple[str, float, Result]]:
    """(kind, weight, result) of each kind of step. An ordinary result has one step: itself."""
    if not result.steps:
        yield kind, weight, result
    for step in result.steps:
        name = f"{kind}/{step.kind}" if kind else step.kind
        yield from steps_of(step.result, name, weight * step.weight)


def _of_op(key: str, heading: str, value: Callable[[OpResult], Cell]) -> Column[OpLine]:
    return Column(key, heading, "count", lambda line: value(line.op))


def _text_of_op(key: str, value: Callable[[OpResult], Cell]) -> Column[OpLine]:
    return Column(key, key, "text", lambda line: value(line.op))


def _group_value(line: OpLine, group: str, key: str) -> Cell:
    cell: Cell = getattr(getattr(line.op, group), key)
    return cell


def _cause(line: OpLine, cause: str) -> Cell:
    return line.op.array_cycles.by_cause()[cause]


def _energy(line: OpLine, component: str) -> Cell:
    return (line.op.energy_by_component_pj or {}).get(component, 0.0)


def ops_table(runs: Runs) -> Table:
    """A row per op: cycles by cause, MACs, words, bytes, energy by component."""
    shown_macs = {"dense": "MACs\ndense", "executed": "MACs\nexecuted"}
    shown_words = {"remote": "remote\nwords", "dram": "DRAM\nwords"}
    found = {name for line in op_lines(runs) for name in line.op.energy_by_component_pj or {}}
    columns: tuple[Column[OpLine], ...] = (
        Column("run", "run", "text"),
        *input_columns(lambda line: line.result),
        Column("step_kind", "step" if any(each.steps for each in runs.results) else "", "text"),
        Column("weight", "", "number"),
        _text_of_op("op", lambda op: op.name),
        Column("layer", "", "text", lambda line: line.op.layer),
        _text_of_op("pass", lambda op: str(op.pass_)),
        _text_of_op("kind", lambda op: op.kind),
        _of_op("start_cycle", "start\ncycle", lambda op: op.start_cycle),
        _of_op("cycles", "cycles", lambda op: op.cycles),
        *(Column(f"{cause}_cycles", "", "count", partial(_cause, cause=cause)) for cause in CAUSES),
        *(
            Column(
                f"macs_{kind}",
                shown_macs.get(kind, ""),
                "count",
                partial(_group_value, group="macs", key=kind),
            )
            for kind in MAC_KINDS
        ),
        _of_op("vector_ops", "vector\nops", lambda op: op.vector_ops),
        *(
            Column(
                f"{kind}_words",
                shown_words.get(kind, ""),
                "count",
                partial(_group_value, group="words", key=kind),
            )
            for kind in WORD_KINDS
        ),
        _of_op("words_received", "", lambda op: op.words_received),
        *(
            Column(f"{kind}_bytes", "", "bytes", partial(_group_value, group="bytes", key=kind))
            for kind in BYTE_KINDS
        ),
        Column("energy_pj", f"energy{runs.star}", "energy", lambda line: line.op.energy_pj),
        *(
            Column(f"{name}_pj", "", "energy", partial(_energy, component=name))
            for name in component_columns(found)
        ),
    )
    return Table.of("ops", "By op", columns, op_lines(runs))


@dataclass
class LayerLine:
    """A row's object: sums over a layer's ops, or weighted means in a hybrid result. Energy that
    belongs to no op is not attributed to any layer.
    """

    run: str
    result: Result
    layer: str
    cycles: dict[str, int | float] = field(default_factory=lambda: dict.fromkeys(PASSES, 0))
    energy: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PASSES, 0.0))
    macs_dense: int | float = 0
    macs_executed: int | float = 0
    vector_ops: int | float = 0
    local_words: int | float = 0
    remote_words: int | float = 0
    global_buffer_words: int | float = 0
    dram_words: int | float = 0
    dram_bytes: int | float = 0

    def add(self, weight: float, op: OpResult) -> None:
        """Add an op of the layer."""
        self.cycles[op.pass_] += weight * op.cycles
        self.energy[op.pass_] += weight * op.energy_pj
        self.macs_dense += weight * op.macs.dense
        self.macs_executed += weight * op.macs.executed
        self.vector_ops += weight * op.vector_ops
        self.local_words += weight * op.words.local
        self.remote_words += weight * op.words.remote
        self.global_buffer_words += weight * op.words.global_buffer
        self.dram_words += weight * op.words.dram
        self.dram_bytes += weight * op.bytes.dram


def layer_lines(runs: Runs) -> Iterator[LayerLine]:
    """Every layer of every run, in order of its first op."""
    for label, result in zip(runs.labels, runs.results, strict=True):
        layers: dict[str, LayerLine] = {}
        for weight, op in result.weighted_ops():
            layers.setdefault(op.layer, LayerLine(label, result, op.layer)).add(weight, op)
        yield from layers.values()


def _pass_cycles(line: LayerLine, name: str) -> Cell:
    return line.cycles[name]


def _pass_energy(line: LayerLine, name: str) -> Cell:
    return line.energy[name]


def layers_table(runs: Runs) -> Table:
    """A row per run and layer: cycles and energy by pass, MACs, words, DRAM bytes. Cycles are sums
    over the layer's ops.
    """
    columns: tuple[Column[LayerLine], ...] = (
        Column("run", "run", "text"),
        *input_columns(lambda line: line.result),
        Column("layer", "layer", "text"),
        Column("cycles", "cycles", "count", lambda line: sum(line.cycles.values())),
        *(
            Column(
                f"{name.lower()}_cycles",
                f"{name}\ncycles",
                "count",
                partial(_pass_cycles, name=name),
            )
            for name in PASSES
        ),
        Column("macs_dense", "", "count"),
        Column("macs_executed", "MACs\nexecuted", "count"),
        Column("vector_ops", "", "count"),
        Column("local_words", "", "count"),
        Column("remote_words", "remote\nwords", "count"),
        Column("global_buffer_words", "", "count"),
        Column("dram_words", "", "count"),
        Column("dram_bytes", "DRAM", "bytes"),
        Column("energy_pj", f"energy{runs.star}", "energy", lambda line: sum(line.energy.values())),
        *(
            Column(f"{name.lower()}_energy_pj", "", "energy", partial(_pass_energy, name=name))
            for name in PASSES
        ),
    )
    notes = (
        ("schedule unlocked: ops overlap, so that the cycles of layers do not add up to the step",)
        if any(result.overlaps for result in runs.results)
        else ()
    )
    return Table.of("layers", "By layer", columns, layer_lines(runs), notes)
