"""Where the elements of an ONNX value lie in the map of the layer that made it.

A layer's map is (rows, columns, channels); an ONNX value has any number of axes in any order. A
`View` splits both into the same `Atom` factors: each axis of the value, and each of rows, columns
and channels, is a sequence of atoms, outermost first. Reshapes and transpositions then only regroup
atoms, and cost nothing until a layer needs a map in another order.

Example: (N, T, C) reshaped to (N, T, heads, d) and transposed to (N, heads, T, d) is, with C split
into the atoms heads and d, the axes [] [heads] [T] [d] of a map with rows [T] and channels
[heads, d]. Axes of extent 1 have no atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod


@dataclass(frozen=True, eq=False)
class Atom:
    """A factor of an axis. ``batch``: it counts samples of a batch, which no map has. ``repeat``:
    it counts repetitions of the same words, which no map has either.
    """

    size: int
    batch: bool = False
    repeat: bool = False


Atoms = tuple[Atom, ...]
Axes = tuple[Atoms, ...]
Home = tuple[Atoms, Atoms, Atoms]
"""Atoms of rows, columns and channels."""


def extent(atoms: Atoms) -> int:
    """Number of elements along a sequence of atoms."""
    return prod(atom.size for atom in atoms)


def of_sample(atoms: Atoms) -> Atoms:
    """The atoms that a map has."""
    return tuple(atom for atom in atoms if not atom.batch and not atom.repeat)


@dataclass(frozen=True)
class View:
    """The value with ``axes`` that lies in the map of ``layer``, whose order is ``home``."""

    layer: str
    axes: Axes
    home: Home

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the ONNX value."""
        return tuple(extent(atoms) for atoms in self.axes)

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """(rows, columns, channels) of the map."""
        rows, columns, channels = map(extent, self.home)
        return rows, columns, channels

    def sample_axis(self, axis: int) -> Atoms:
        """Atoms of an axis without those of the batch."""
        return of_sample(self.axes[axis])

    def has_batch(self, axis: int) -> bool:
        """True if the axis counts samples of the batch."""
        return any(atom.batch for atom in self.axes[axis])

    @property
    def repeats(self) -> bool:
        """True if the value repeats words of the map."""
        return any(atom.repeat for atoms in self.axes for atom in atoms)

    def expanded(self, shape: Sequence[int]) -> View:
        """The value repeated along axes of extent 1, and along new ones before the others."""
        axes = (((),) * (len(shape) - len(self.axes))) + self.axes
        wide = tuple(
            (Atom(size, repeat=True),) if size > extent(atoms) else atoms
            for size, atoms in zip(shape, axes, strict=True)
        )
        return replace(self, axes=wide)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...] | None:
        """Numbers of the axes that make rows, columns and channels, None if a group is not whole
        axes.
        """
        groups: list[tuple[int, ...]] = []
        for atoms in self.home:
            numbers = dict.fromkeys(
                number for atom in atoms for number, axis in enumerate(self.axes) if atom in axis
            )
            if atoms != tuple(atom for number in numbers for atom in self.sample_axis(number)):
                return None
            groups.append(tuple(numbers))
        return tuple(groups)

    def replaced(self, parts: Mapping[Atom, Atoms]) -> View:
        """The view with atoms split into parts."""

        def split(atoms: Atoms) -> Atoms:
            return tuple(part for atom in atoms for part in parts.get(atom, (atom,)))

        rows, columns, channels = map(split, self.home)
        return View(self.layer, tuple(map(split, self.axes)), (rows, columns, channels))

    def transposed(self, order: Sequence[int]) -> View:
        """The value with its axes in another order."""
        return replace(self, axes=tuple(self.axes[axis] for axis in order))

    def reshaped(self, shape: Sequence[int]) -> View | None:
        """The value with other extents, or None if an extent would cut through an atom."""
        flat = [atom for atoms in self.axes for atom in atoms]
        parts: dict[Atom, list[Atom]] = {}
        axes: list[Atoms] = []
        for size in shape:
            taken: list[Atom] = []
            left = size
            while left > 1:
                if not flat:
                    return None
                atom = flat.pop(0)
                if left % atom.size == 0:
                    taken.append(atom)
                    left //= atom.size
                elif atom.size % left == 0:
                    outer = replace(atom, size=left)
                    inner = replace(atom, size=atom.size // left)
                    _split(parts, atom, outer, inner)
                    taken.append(outer)
                    flat.insert(0, inner)
                    left = 1
                else:
                    return None
            axes.append(tuple(taken))
        if flat:
            return None
        home = self.replaced({atom: tuple(split) for atom, split in parts.items()}).home
        return View(self.layer, tuple(axes), home)


def _split(parts: dict[Atom, list[Atom]], atom: Atom, outer: Atom, inner: Atom) -> None:
    """Note that ``atom``, perhaps itself the last part of another, is ``outer`` and ``inner``."""
    for split in parts.values():
        if split and split[-1] is atom:
            split[-1:] = [outer, inner]
            return
    parts[atom] = [outer, inner]


def new_axes(shape: Sequence[int], batch: int | None = None) -> Axes:
    """Axes with one new atom each; axis ``batch`` counts samples."""
    return tuple(
        (Atom(size, axis == batch),) if size > 1 else () for axis, size in enumerate(shape)
    )


def fresh(
    layer: str,
    axes: Axes,
    rows: Sequence[int] = (),
    columns: Sequence[int] = (),
    channels: Sequence[int] = (),
) -> View:
    """A view of a map whose rows, columns and channels are axes of the value, given by number."""

    def group(numbers: Sequence[int]) -> Atoms:
        return tuple(atom for number in numbers for atom in of_sample(axes[number]))

    return View(layer, axes, (group(rows), group(columns), group(channels)))


def refined(a: View, b: View) -> tuple[View, View] | None:
    """Two values of one shape with atoms of the same sizes on every axis, or None if their atoms
    overlap.
    """
    parts: tuple[dict[Atom, Atoms], dict[Atom, Atoms]] = ({}, {})
    for left, right in zip(a.axes, b.axes, strict=True):
        sizes = _common(left, right)
        if sizes is None:
            return None
        for atoms, split in zip((left, right), parts, strict=True):
            split.update(_cut(atoms, sizes))
    return a.replaced(parts[0]), b.replaced(parts[1])


def _common(left: Atoms, right: Atoms) -> list[int] | None:
    """Sizes, outermost first, of the coarsest atoms into which both sequences can be split."""
    inner: list[int] = []
    a, b = [atom.size for atom in left], [atom.size for atom in right]
    while a and b:
        x, y = a.pop(), b.pop()
        small, large = min(x, y), max(x, y)
        if large % small:
            return None
        inner.append(small)
        if x != y:
            (a if x > y else b).append(large // small)
    return inner[::-1] if not a and not b else None


def _cut(atoms: Atoms, sizes: Sequence[int]) -> dict[Atom, Atoms]:
    """How each atom is split so that the sequence has these sizes."""
    cut: dict[Atom, Atoms] = {}
    places = iter(sizes)
    for atom in atoms:
        taken: list[int] = []
        while prod(taken) < atom.size:
            taken.append(next(places))
        if len(taken) > 1:
            cut[atom] = tuple(replace(atom, size=size) for size in taken)
    return cut


def renamed(a: View, b: View) -> dict[Atom, Atom]:
    """By atom of ``b``: the atom of ``a`` at the same place, for two refined values."""
    return {
        right: left
        for x, y in zip(a.axes, b.axes, strict=True)
        for left, right in zip(x, y, strict=True)
    }


def same_order(a: View, b: View) -> bool:
    """True if the maps of two refined values have their elements at the same places."""
    names = renamed(a, b)
    return all(
        tuple(names.get(atom) for atom in mine) == theirs
        for mine, theirs in zip(b.home, a.home, strict=True)
    )
