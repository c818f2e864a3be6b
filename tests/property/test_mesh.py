"""Loads of a mesh's links against the twin that moves every word, and laws of any shortest-path
routing.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from accelsim.kernels.links import mesh as k
from accelsim.sim.planning.mesh import Mesh
from tests.naive import mesh as naive


@st.composite
def meshes(draw: st.DrawFn) -> tuple[Mesh, int, int]:
    """(mesh, first PE of a partition, number of its PEs)."""
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    ports = draw(st.integers(1, rows))
    mesh = Mesh(rows, cols, tuple((2 * port + 1) * rows // (2 * ports) for port in range(ports)))
    parts = draw(
        st.sampled_from([each for each in range(1, rows * cols + 1) if rows * cols % each == 0])
    )
    pes = rows * cols // parts
    return mesh, pes * draw(st.integers(0, parts - 1)), pes


def by_link(mesh: Mesh, loads: np.ndarray) -> Counter[naive.Link]:
    """Non-zero loads by the nodes at each link's ends."""
    by_ends: Counter[naive.Link] = Counter()
    steps = {k.EAST: (0, 1), k.WEST: (0, -1), k.SOUTH: (1, 0), k.NORTH: (-1, 0)}
    nodes = mesh.rows * mesh.cols
    for direction, (down, right) in steps.items():
        for row in range(mesh.rows):
            for col in range(mesh.cols):
                load = int(loads[direction * nodes + row * mesh.cols + col])
                if load:
                    assert 0 <= row + down < mesh.rows
                    assert 0 <= col + right < mesh.cols
                    by_ends[(row, col), (row + down, col + right)] = load
    ports = len(mesh.port_rows)
    for port, row in enumerate(mesh.port_rows):
        for at, link in (
            (4 * nodes + port, (("port", port), (row, 0))),
            (4 * nodes + ports + port, ((row, 0), ("port", port))),
        ):
            if loads[at]:
                by_ends[link] = int(loads[at])
    return by_ends


@given(meshes(), st.integers(0, 40), st.integers(1, 30))
def test_words_from_the_buffer_cross_each_link_of_their_tree_once(
    drawn: tuple[Mesh, int, int], words: int, receivers: int
) -> None:
    mesh, first, pes = drawn
    receivers = min(receivers, pes)
    loads = mesh.spread(range(first, first + pes), words, receivers)
    expected, received = naive.multicast(
        first, pes, receivers, words, list(mesh.port_rows), mesh.cols
    )
    assert by_link(mesh, loads) == +expected
    # sent = received x fan-out
    assert sum(received.values()) == words * receivers
    entered = loads[4 * mesh.rows * mesh.cols :].sum()
    assert words <= entered <= words * len(mesh.port_rows)
    assert loads.sum() >= entered


@given(meshes(), st.integers(0, 60))
def test_words_to_the_buffer_leave_by_the_nearest_port(
    drawn: tuple[Mesh, int, int], words: int
) -> None:
    mesh, first, pes = drawn
    loads = mesh.gather(range(first, first + pes), words)
    assert by_link(mesh, loads) == +naive.gather(first, pes, words, list(mesh.port_rows), mesh.cols)
    assert loads[4 * mesh.rows * mesh.cols :].sum() == words


@given(meshes(), st.integers(0, 900))
def test_words_between_pes_take_shortest_ways(drawn: tuple[Mesh, int, int], words: int) -> None:
    mesh, first, pes = drawn
    loads = mesh.exchange(range(first, first + pes), words)
    assert by_link(mesh, loads) == +naive.all_pairs(first, pes, words, mesh.cols)
    if words % pes**2 == 0:
        nodes = [naive.node(first + pe, mesh.cols) for pe in range(pes)]
        hops = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a in nodes for b in nodes)
        assert loads.sum() == words // pes**2 * hops


@given(meshes(), st.integers(0, 60), st.integers(2, 25))
def test_partial_sums_meet_along_binary_trees(
    drawn: tuple[Mesh, int, int], words: int, shared: int
) -> None:
    mesh, first, pes = drawn
    assume(pes >= 2)
    shared = min(shared, pes)
    flows = naive.reduction(first, pes, shared, words)
    assert {source: target for source, target, _ in flows}.keys() == {
        first + group * shared + i for group in range(pes // shared) for i in range(1, shared)
    }
    expected = naive.unicast(flows, mesh.cols)
    assert by_link(mesh, mesh.reduce(range(first, first + pes), shared, words)) == +expected


@given(meshes(), st.integers(0, 60))
def test_partial_sums_that_climb_go_one_row_up(drawn: tuple[Mesh, int, int], words: int) -> None:
    mesh, first, pes = drawn
    loads = mesh.reduce(range(first, first + pes), 1, words)
    flows = naive.climb(first, pes, words, mesh.cols)
    assert by_link(mesh, loads) == +naive.unicast(flows, mesh.cols)
    assert not flows or sum(flow[2] for flow in flows) == words


@given(
    meshes(),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24), st.integers(0, 5)), max_size=12),
)
def test_any_flows_between_pes(
    drawn: tuple[Mesh, int, int], flows: list[tuple[int, int, int]]
) -> None:
    mesh, _, _ = drawn
    nodes = mesh.rows * mesh.cols
    inside = [(source % nodes, target % nodes, words) for source, target, words in flows]
    loads = np.zeros(mesh.links, np.int64)
    columns = (np.array([flow[index] for flow in inside], np.int64) for index in range(3))
    k.unicast(*columns, mesh.rows, mesh.cols, loads)
    assert by_link(mesh, loads) == +naive.unicast(inside, mesh.cols)
