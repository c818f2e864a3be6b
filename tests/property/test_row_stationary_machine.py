"""Conservation laws on row-stationary machines with small memories and links."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.results.laws import violations
from accelsim.results.result import Result
from tests.examples import examples
from tests.random_machines import convolutions, machine, masks, trace_of
from tests.random_networks import networks


@st.composite
def row_machines(draw: st.DrawFn) -> Machine:
    """Arrays that fold kernels and strip-mine sets, with one or more ports, and a buffer that fits
    the smallest pass.
    """
    staging = draw(st.sampled_from([16, 64, 1024]))
    return machine(
        "systolic",
        pe_array__kind="row_stationary",
        pe_array__rows=draw(st.sampled_from([1, 2, 4])),
        pe_array__cols=draw(st.sampled_from([3, 6])),
        pe_array__gating=draw(st.booleans()),
        pe_array__filter_words=draw(st.sampled_from([2, 12, 224])),
        pe_array__input_words=draw(st.sampled_from([1, 4, 12])),
        pe_array__psum_words=draw(st.sampled_from([1, 24])),
        pe_array__input_bus=draw(st.sampled_from([1, 3])),
        scratchpad__banks=draw(st.sampled_from([1, 4])),
        global_buffer__capacity=f"{2 * staging + draw(st.sampled_from([400, 2000, 100000]))}B",
        global_buffer__staging=f"{staging}B",
        global_buffer__banks=draw(st.sampled_from([1, 4])),
        noc__width=draw(st.sampled_from([7, 144])),
        partitions=draw(st.sampled_from([1, 3])),
    )


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_every_result_obeys_the_laws(data: st.DataObject) -> None:
    network = data.draw(st.one_of(convolutions(2), networks()))
    architecture = data.draw(row_machines())
    rule = data.draw(st.sampled_from(["bp", "fa", "dfa", "ssdfa"]))
    trace = trace_of(network, data.draw(masks(network, 2)))
    schedule, batch = (
        data.draw(st.sampled_from(["serial", "unlocked"])),
        data.draw(st.integers(1, 3)),
    )
    result = simulate(
        network,
        architecture,
        rule=rule,
        batch=batch,
        trace=trace,
        trace_any_rule=True,
        schedule=schedule,
    )
    assert violations(Result.parse(json.loads(json.dumps(result.to_json())))) == []
    for op in result.ops:
        if op.kind != "vector":
            assert op.macs.executed == op.macs.dense
            assert (
                op.macs.gated
                == (op.macs.executed - op.macs.effectual) * architecture.pe_array.gating
            )
