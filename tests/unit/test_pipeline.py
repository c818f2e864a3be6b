"""One op as a pipeline of blocks: closed forms of double buffering, and who is to blame for
waiting.
"""

from __future__ import annotations

import pytest
import simpy

from accelsim.sim.stalls import stalls
from tests.naive.pipeline import Stage, run_stages, times_of


def run(times: dict[str, list[int]], start: int = 0) -> tuple[int, list[Stage]]:
    """Stages with the given cycles a block -> (last cycle, stages)."""
    env = simpy.Environment(start)
    stages = [
        Stage(name, lambda block, name=name: int(env.now) + times[name][block]) for name in times
    ]
    env.process(run_stages(env, stages, len(next(iter(times.values())))))
    env.run()
    return int(env.now), stages


@pytest.mark.parametrize("blocks", [1, 2, 3, 10])
@pytest.mark.parametrize(("load", "compute"), [(5, 5), (3, 8), (8, 3), (0, 4), (4, 0)])
def test_load_and_compute_overlap_but_for_the_first_and_the_last(
    blocks: int, load: int, compute: int
) -> None:
    end, stages = run({"load": [load] * blocks, "compute": [compute] * blocks})
    assert end == load + (blocks - 1) * max(load, compute) + compute
    found = stalls(times_of(stages), 0, end)
    assert found == {
        "load": load + (blocks - 1) * max(0, load - compute),
        "store": 0,
        "fill": 0,
        "drain": 0,
    }


@pytest.mark.parametrize("blocks", [1, 2, 3, 10])
@pytest.mark.parametrize(("compute", "drain"), [(5, 5), (3, 8), (8, 3)])
def test_compute_and_drain_overlap_but_for_the_first_and_the_last(
    blocks: int, compute: int, drain: int
) -> None:
    end, stages = run({"compute": [compute] * blocks, "drain": [drain] * blocks}, start=100)
    assert end - 100 == compute + (blocks - 1) * max(compute, drain) + drain
    found = stalls(times_of(stages), 100, end)
    assert sum(found.values()) == end - 100 - blocks * compute
    assert (found["load"], found["store"], found["fill"]) == (0, 0, 0)


def test_five_stages_take_the_slowest_a_block_and_the_others_once() -> None:
    names, cycles, blocks = ("load", "fill", "compute", "drain", "store"), (2, 3, 7, 1, 4), 9
    end, stages = run({name: [each] * blocks for name, each in zip(names, cycles, strict=True)})
    assert end == sum(cycles) + (blocks - 1) * max(cycles)
    assert stalls(times_of(stages), 0, end) == {"load": 2, "store": 4, "fill": 3, "drain": 1}


def test_a_double_buffer_holds_two_blocks_and_no_more() -> None:
    """Loads of one cycle run ahead of a compute of ten by the block in work and the one in
    waiting.
    """
    _, stages = run({"load": [1] * 6, "compute": [10] * 6})
    load, compute = stages
    assert load.started[:2] == [0, 1]
    for block in range(2, 6):
        assert load.started[block] == compute.done[block - 2]


def test_one_block_passes_all_stages_one_after_the_other() -> None:
    end, stages = run(
        {"load": [4], "fill": [5], "compute": [6], "drain": [7], "store": [8]}, start=3
    )
    assert [stage.started[0] for stage in stages] == [3, 7, 12, 18, 25]
    assert stalls(times_of(stages), 3, end) == {"load": 4, "store": 8, "fill": 5, "drain": 7}


def test_waiting_is_blamed_on_the_stage_that_sets_the_pace() -> None:
    """Block 1's load takes 20 cycles and its fill starts at once; block 2 waits for the drain of
    block 0, which ends in cycle 66.
    """
    end, stages = run(
        {"load": [1, 20, 1], "fill": [2, 2, 2], "compute": [3, 3, 3], "drain": [60, 1, 1]}
    )
    assert stages[2].started == [3, 23, 66]
    # Before block 0: 1 of DRAM and 2 of fill; before block 1: from 6 to 23; before block 2: from 26
    # to 66; then the last drain.
    assert stalls(times_of(stages), 0, end) == {"load": 18, "store": 0, "fill": 2, "drain": 40 + 1}


def test_a_fill_that_is_behind_takes_the_blame_itself() -> None:
    end, stages = run({"load": [1, 1, 1], "fill": [9, 9, 9], "compute": [3, 3, 3]})
    assert stalls(times_of(stages), 0, end) == {
        "load": 1,
        "store": 0,
        "fill": 9 + 6 + 6,
        "drain": 0,
    }


def test_a_store_that_holds_up_the_drain_is_a_wait_for_dram() -> None:
    """Blocks drain in one cycle. Block 2 drains once block 0 is stored, in cycle 3 + 1 + 20, and
    the array gets the buffer of block 3 once that block 1 has drained, as early as it can; block 4
    waits for the drain of block 2.
    """
    end, stages = run({"compute": [3] * 5, "drain": [1] * 5, "store": [20] * 5})
    compute, drain, store = stages
    assert drain.started[2] == store.done[0] == 24
    assert compute.started[4] == drain.done[2] == 25
    # Block 4 is ready in cycle 12: 12 cycles of DRAM, then one in which block 2 drains. After its
    # last cycle blocks 3 and 4 drain, a cycle each, and the rest waits for stores.
    assert stalls(times_of(stages), 0, end) == {
        "load": 0,
        "store": 12 + (end - 28 - 2),
        "fill": 0,
        "drain": 1 + 2,
    }
