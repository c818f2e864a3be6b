"""The DRAM trace of random runs: replayed by the controller alone, every burst is done at the clock
at which the machine has it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from accelsim.config.names import Schedule
from accelsim.dram.standard import DramSpec
from accelsim.dram.trace import TraceFile
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.rules.registry import lower
from accelsim.sim.observers import DramTracer
from accelsim.sim.program import Program
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.examples import examples
from tests.property.test_dram_controller import specs
from tests.random_machines import KINDS, any_machines, convolutions, masks, trace_of
from tests.replays import replay


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Any machine, with 1 to 8 channels. Objectives of energy need prices, which are not random."""
    machine = draw(any_machines(draw(st.sampled_from(KINDS))))
    assume(machine.mapping.objective in {"canonical", "cycles"})
    channels = draw(st.sampled_from([1, 2, 3, 8]))
    return machine.model_copy(
        update={"dram": machine.dram.model_copy(update={"channels": channels})}
    )


@st.composite
def drams(draw: st.DrawFn) -> DramSpec:
    """Any timings, policies and mappings; with room for all tensors, or so little that their
    addresses wrap around.
    """
    spec = draw(specs())
    rows = draw(st.sampled_from([spec.organisation.rows, 64, 4096]))
    organisation = spec.organisation.model_copy(update={"rows": rows})
    return spec.model_copy(update={"organisation": organisation})


@settings(max_examples=examples(100))
@given(machines(), drams(), convolutions(), st.data())
def test_replayed_it_gives_the_machines_own_times(
    machine: Machine, spec: DramSpec, network: Network, data: st.DataObject
) -> None:
    batch = data.draw(st.integers(1, 2))
    rule = data.draw(st.sampled_from(["bp", "dfa", "fa"]))
    schedule = data.draw(st.sampled_from([Schedule.SERIAL, Schedule.UNLOCKED]))
    program = Program(lower(network, rule, batch, "momentum"), machine, spec, schedule)
    zeros = trace_of(network, data.draw(masks(network, batch)))
    with TemporaryDirectory() as folder:
        file = TraceFile(Path(folder) / "t.csv", Path(folder) / "t.csv")
        try:
            simulation = program.simulation(MaskSource(zeros, network, batch))
            simulation.run([DramTracer(file.write)])
        except InputError:  # an op does not fit into the machine
            reject()
        replay(file.target, spec, machine.dram.channels)
