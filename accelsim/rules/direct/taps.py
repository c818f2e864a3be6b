"""Maps at which direct feedback enters a network of attention blocks (Launay et al. 2020).

A block is a residual sublayer with attention, and the residual sublayers without it that follow. A
map with a tap gets its error from feedback alone; between taps errors pass as in backpropagation.

* ``block``: the output of each block.
* ``sublayer``: the output of each sublayer, and the input of the last matrix of each sublayer
  without attention.

The output of a sublayer is its residual sum, or the norm that alone reads the sum (post-norm).
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.direct.options import DirectOptions
from accelsim.rules.direct.reach import Reach, reach
from accelsim.workload.network import INPUT, Layer, Network, Shape


@dataclass(frozen=True)
class Taps:
    """Maps with taps, and the errors that feedback carries to them.

    ``shapes``: of the maps, by name. ``source``: the last layer with weights. The errors are those
    at its input map if ``hidden``, else those at the network's output; ``errors`` is their map.
    ``shared``: one matrix serves all taps, each of which takes its first channels.
    """

    shapes: dict[str, Shape]
    source: Layer
    hidden: bool
    shared: bool
    errors: Shape

    def reach(self, tap: str) -> Reach:
        """Reach of the errors into the map of a tap."""
        return reach(self.shapes[tap], self.errors)

    @property
    def widest(self) -> str:
        """The tap with the most channels."""
        return max(self.shapes, key=lambda tap: self.shapes[tap][2])

    @property
    def matrices(self) -> dict[str, Reach]:
        """The feedback matrices, by the name of the layer that holds each."""
        if self.shared:
            return {self.source.name: self.reach(self.widest)}
        return {tap: self.reach(tap) for tap in self.shapes}


@dataclass(frozen=True)
class Sublayer:
    """A residual sum, and the layers between its shortcut and itself, in the network's order."""

    add: Layer
    branch: tuple[Layer, ...]

    @property
    def attends(self) -> bool:
        return any(layer.attends for layer in self.branch)


def taps_of(network: Network, rule: RuleSpec[DirectOptions]) -> Taps:
    """Taps of a rule whose granularity is not ``layer``. Raises InputError for a network without
    blocks, and for one matrix that cannot serve all taps.
    """
    options = rule.options
    sublayers = _sublayers(network)
    if not any(each.attends for each in sublayers):
        raise InputError(
            f"{rule.name}.granularity must be layer for a network without residual sums around "
            f"attention, got {options.granularity} for {network.name}"
        )
    if options.per_step:
        raise InputError(
            f"{rule.name}.per_step must be left out for a network without time steps, got true"
        )
    maps: set[str] = set()
    for place, each in enumerate(sublayers):
        after = sublayers[place + 1 :]
        ends_block = not after or (after[0].attends and not each.attends)
        if options.granularity == "sublayer" or ends_block:
            maps.add(_output(network, each.add))
        weighted = [layer for layer in each.branch if layer.weighted]
        if options.granularity == "sublayer" and not each.attends and len(weighted) > 1:
            maps.add(weighted[-1].inputs[0])
    source, hidden = network.weighted[-1], options.tap != "logits"
    taps = Taps(
        {layer.name: layer.out_shape for layer in network.layers if layer.name in maps},
        source,
        hidden,
        options.feedback != "own",
        source.in_shape if hidden else network.output.out_shape,
    )
    if taps.shared and len({shape[:2] for shape in taps.shapes.values()}) > 1:
        raise InputError(
            f"{rule.name}.feedback must be own where taps are maps of different rows and columns, "
            f"got shared for {network.name}"
        )
    return taps


def refuse_options_of_taps(rule: RuleSpec[DirectOptions]) -> None:
    """Raise InputError for options of taps where the rule has none."""
    if rule.options.granularity != "layer":
        return
    for name, own in (("tap", "logits"), ("feedback", "own")):
        given = getattr(rule.options, name)
        if given not in {"auto", own}:
            raise InputError(
                f"{rule.name}.{name} must be {own} unless {rule.name}.granularity is sublayer or "
                f"block, got {given}"
            )


def _output(network: Network, add: Layer) -> str:
    """Name of the map in which a residual sublayer ends."""
    layer = add
    while True:
        readers = network.consumers[layer.name]
        if len(readers) != 1 or not readers[0].normalizes:
            return layer.name
        layer = readers[0]


def _sublayers(network: Network) -> list[Sublayer]:
    """Residual sums with weights between their shortcut and themselves, in order."""
    above = _ancestors(network)
    found = []
    for add in network.layers:
        if not add.sums:
            continue
        shortcut = next(
            (
                name
                for name in add.inputs
                if all(name in above[other] for other in add.inputs if other != name)
            ),
            None,
        )
        if shortcut is None:
            continue
        inside = {
            name
            for end in add.inputs
            if end != shortcut
            for name in (end, *above[end])
            if name != INPUT and shortcut in above[name]
        }
        branch = tuple(layer for layer in network.layers if layer.name in inside)
        if any(layer.weighted for layer in branch):
            found.append(Sublayer(add, branch))
    return found


def _ancestors(network: Network) -> dict[str, frozenset[str]]:
    """By layer: the names of all maps that it depends on."""
    found: dict[str, frozenset[str]] = {INPUT: frozenset()}
    for layer in network.layers:
        found[layer.name] = frozenset(layer.inputs).union(*(found[name] for name in layer.inputs))
    return found
