"""Lengths of the links of tree and mesh, against wires that a plain twin draws on the plane."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.tree import Tree
from tests.naive import mesh as naive_mesh
from tests.naive.tree import crossed, tree

ARRAYS = st.tuples(st.integers(1, 9), st.integers(1, 9))


def test_the_tree_of_a_square_array_by_hand() -> None:
    """16 x 16 PEs: two links of each length from the root down, twice as many links per level.

    To one PE 4 + 4 + 2 + 2 + 1 + 1 + 1/2 + 1/2. To all 2 x 4 + 4 x 4 + 8 x 2 + 16 x 2 + 32 + 64 +
    128 / 2 + 256 / 2.
    """
    found = Tree(16, 16)
    assert found.levels == (4, 4, 2, 2, 1, 1, 0.5, 0.5)
    assert found.path == found.multicast(range(256), 1) == 15
    assert found.multicast(range(256), 256) == 360
    # Both PEs of a pair are below the last node, four PEs below the last but two.
    assert found.multicast(range(256), 2) == 15.5
    assert found.multicast(range(256), 4) == 14 + 2 * 0.5 + 4 * 0.5


def test_the_tree_of_a_row_by_hand() -> None:
    """Six PEs have the room of eight: links of 1.5, 0.75 and 0.375, of which all use 2, 3 and 6."""
    found = Tree(1, 6)
    assert found.path == 2.625
    assert found.multicast(range(6), 6) == 2 * 1.5 + 3 * 0.75 + 6 * 0.375


def test_a_single_pe_is_half_a_side_away() -> None:
    assert Tree(1, 1).path == Tree(1, 1).multicast(range(1), 1) == 0.5
    assert Tree(1, 1).exchange(range(1)) == 0


@given(ARRAYS, st.data())
def test_multicasts_cross_the_wires_of_the_twin(
    array: tuple[int, int], data: st.DataObject
) -> None:
    rows, cols = array
    assume(rows * cols > 1)
    first = data.draw(st.integers(0, rows * cols - 1))
    pes = range(first, data.draw(st.integers(first + 1, rows * cols)))
    receivers = data.draw(st.integers(1, len(pes)))
    root = tree(rows, cols)
    groups = [set(pes[i : i + receivers]) for i in range(0, len(pes), receivers)]
    lengths = [crossed(root, group) for group in groups if len(group) == receivers]
    found = Tree(rows, cols).multicast(pes, receivers)
    assert found == pytest.approx(sum(lengths) / len(lengths))
    assert Tree(rows, cols).path == pytest.approx(crossed(root, {first}))


@given(ARRAYS, st.data())
def test_pes_are_as_far_apart_as_a_mesh_would_route(
    array: tuple[int, int], data: st.DataObject
) -> None:
    rows, cols = array
    first = data.draw(st.integers(0, rows * cols - 1))
    pes = range(first, data.draw(st.integers(first + 1, rows * cols)))
    pairs = [(a, b) for a in pes for b in pes]
    hops = [
        len(naive_mesh.route(naive_mesh.node(a, cols), naive_mesh.node(b, cols))) for a, b in pairs
    ]
    assert Tree(rows, cols).exchange(pes) == pytest.approx(sum(hops) / len(pairs))
    shared = data.draw(st.integers(2, len(pes))) if len(pes) > 1 else 1
    if shared > 1:
        edges = naive_mesh.reduction(pes.start, len(pes), shared, 0)
        hops = [
            len(naive_mesh.route(naive_mesh.node(a, cols), naive_mesh.node(b, cols)))
            for a, b, _ in edges
        ]
        assert Tree(rows, cols).reduce(pes, shared) == pytest.approx(sum(hops) / len(hops))


def test_every_hop_of_a_mesh_is_a_side_of_a_pe() -> None:
    """2 x 3 PEs, the port at (1, 0): one word to all crosses the port, two links of row 1 and three
    columns; one to the far corner crosses the port, two columns and a row.
    """
    mesh = Mesh(2, 3, (1,))
    assert mesh.spread(range(6), 1, 6).sum() == 6
    assert mesh.spread(range(2, 3), 1, 1).sum() == 1 + 2 + 1
