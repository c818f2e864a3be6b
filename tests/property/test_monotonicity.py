"""A better machine is never slower, in the cases where that is a law: a serial schedule, one block
per op, and memories that are ideal or serve requests in order.

Ideal memories: no bank conflicts in the global buffer, and a DRAM with a fixed rate, without
refreshes, row conflicts or turnarounds. Ops with two or more blocks are not covered;
`accelsim.studies.validation.anomalies` counts their cases. There, two stages of an op share a port,
first come, first served, so that an earlier request can delay another. Choices that change with the
machine are not covered either: mappings, copies of weights, and the tensors that a small buffer
holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.workload.network import Network
from tests.examples import examples
from tests.random_machines import KINDS, any_machines, convolutions
from tests.random_networks import networks

pytestmark = pytest.mark.hypothesis

EXAMPLES = examples(90, nightly=3000)
STAGING = 1 << 20
"""Bytes of the staging buffer, enough for all traffic of an op, so that it has one block."""
FIFO = """\
timing: {{tCK: {tck}, CL: 1, CWL: 1, tRCD: 1, tRP: 1, tRAS: 1, tRFC: 1, tREFI: 1000000,
  tWTR_S: 0, tWTR_L: 0, tWR: 1, tRTP: 1,
  tCCD_S: 1, tCCD_L: 1, tRRD_S: 1, tRRD_L: 1, tFAW: 1, tRTRS: 0}}
organisation: {{bankgroups: 1, banks_per_group: 256, rows: 4, bursts_per_row: 65536,
  bus_width: 64, BL: 2}}
policy: {{refresh: none}}
energy: {{ACT: 0, RD: 0, WR: 0, REF: 0, active_standby_per_clk: 0, precharge_standby_per_clk: 0}}
"""
"""16 bytes per clock, one tensor per bank."""


def changed(architecture: Machine, **changes: Any) -> Machine:
    """The machine with other values: ``changed(machine, noc__width_bits=8)``."""
    for key, value in changes.items():
        section, _, field = key.rpartition("__")
        inside = (
            getattr(architecture, section).model_copy(update={field: value}) if section else value
        )
        architecture = architecture.model_copy(update={section or field: inside})
    return architecture


def twice(section: str, field: str) -> Callable[[Machine], Machine]:
    return lambda machine: changed(
        machine, **{f"{section}__{field}": 2 * getattr(getattr(machine, section), field)}
    )


BETTER: dict[str, Callable[[Machine], Machine]] = {
    "wider NoC": twice("noc", "width_bits"),
    "more links between PEs": twice("noc", "peer_links"),
    "more banks": twice("global_buffer", "banks"),
    "wider banks": twice("global_buffer", "width_bits"),
    "another port a bank": lambda machine: changed(machine, global_buffer__ports=2),
    "wider scratchpads": twice("scratchpad", "width_bits"),
    "more banks a scratchpad": twice("scratchpad", "banks"),
    "another port a scratchpad": lambda machine: changed(machine, scratchpad__ports=2),
    "wider vector unit": twice("vector_unit", "width"),
    "faster vector unit": twice("vector_unit", "ops_per_cycle"),
    "more DRAM channels": twice("dram", "channels"),
    "faster DRAM": lambda machine: changed(
        machine, dram__standard=str(Path(machine.dram.standard).with_name("fast.yaml"))
    ),
    "longer window": twice("pe_array", "window"),
    "deeper FIFOs": twice("pe_array", "fifo_depth"),
    "a buffer for everything": lambda machine: changed(
        machine, global_buffer__capacity_bytes=1 << 30
    ),
}
ONLY = {
    "longer window": ("lanes",),
    "deeper FIFOs": ("broadcast",),
    "a buffer for everything": tuple(kind for kind in KINDS if kind != "row_stationary"),
}
"""Kinds of PE array that have the part. The passes of a row-stationary array grow with the buffer,
which changes its mapping.
"""


@st.composite
def plain_machines(draw: st.DrawFn, kind: str, folder: Path) -> Machine:
    """A machine whose ops have one block each, with memories that serve in order."""
    found = draw(any_machines(kind))
    buffer = found.global_buffer
    return changed(
        found,
        blocks_per_op=1,
        global_buffer__staging_bytes=STAGING,
        global_buffer__capacity_bytes=buffer.capacity_bytes
        - 2 * buffer.staging_bytes
        + 2 * STAGING,
        global_buffer__conflicts="ideal",
        mapping__objective="canonical",
        dram__standard=str(folder / "plain.yaml"),
    )


@pytest.fixture(scope="session")
def drams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with two DRAM files, with one and two clocks per nanosecond."""
    folder = tmp_path_factory.mktemp("drams")
    for name, tck in (("plain", "1.0"), ("fast", "0.5")):
        (folder / f"{name}.yaml").write_text(FIFO.format(tck=tck))
    return folder


@pytest.mark.parametrize("better", BETTER)
def test_a_better_part_is_never_slower(better: str, drams: Path) -> None:
    @settings(max_examples=-(-EXAMPLES // len(BETTER)), suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        network = data.draw(st.one_of(convolutions(2), networks()))
        machine = data.draw(
            plain_machines(data.draw(st.sampled_from(ONLY.get(better, KINDS))), drams)
        )
        rule, batch = (
            data.draw(st.sampled_from(["bp", "fa", "dfa", "ssdfa"])),
            data.draw(st.integers(1, 3)),
        )
        trace = data.draw(st.sampled_from(["dense", "random:0.4"]))
        before, after = (
            ends(network, each, rule, batch, trace) for each in (machine, BETTER[better](machine))
        )
        assert list(after) == list(before)
        assert all(after[op] <= before[op] for op in before)

    run()


def ends(network: Network, machine: Machine, rule: str, batch: int, trace: str) -> dict[str, int]:
    """Cycle in which each op ends."""
    try:
        result = simulate(network, machine, rule=rule, batch=batch, trace=trace)
    except InputError as error:
        if "B to hold " not in str(error):
            raise
        assume(False)
    return {op.name: op.start_cycle + op.cycles for op in result.ops}
