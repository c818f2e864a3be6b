"""Plain twins of the modular rules' links: their counts, and every pair of their streams
(`accelsim.workload.modules` defines the links).

Written from Han et al. 2020, sections 3.1 and 3.2, as amended, without `accelsim.rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from accelsim.layers.convolution import Convolution
from accelsim.rules.spelling import AnyRule
from accelsim.workload.modules import Link, dilation_of, links
from accelsim.workload.network import Layer, Network
from tests.naive.counts import propagating
from tests.naive.machine import Stream, Twin, Work


@dataclass(frozen=True)
class Part:
    """One contraction of a link: a matrix (no ``taps``), or a convolution that keeps the size of
    its map. ``first``: it reads the source's error.
    """

    suffix: str
    shape: tuple[int, int]
    sources: int
    channels: int
    taps: tuple[int, int] | None
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    first: bool = True
    last: bool = True

    @property
    def words(self) -> int:
        h, w = self.shape
        if self.taps is None:
            return h * w * self.channels * self.sources
        return prod(self.taps) * self.sources * self.channels // self.groups

    @property
    def macs(self) -> int:
        """MACs per sample. A matrix uses each word once, a convolution at every position."""
        return self.words if self.taps is None else self.words * prod(self.shape)


def parts(link: Link, rule: AnyRule) -> list[Part]:
    """Contractions of a link, in order."""
    (h, w, c), (p, q, k) = link.layer.in_shape, link.source.out_shape
    if rule.name == "modular" or link.dense:
        return [Part("", (h, w), p * q * k, c, None)]
    if rule.name in ("conv-dfa", "dilated"):
        kernel = link.kernel_at_source
        taps, spread = (
            (kernel, (1, 1)) if rule.name == "conv-dfa" else ((3, 3), dilation_of(kernel))
        )
        return [Part("", (p, q), k, c, taps, spread, last=(h, w) == (p, q))]
    if link.shortcut:
        return [Part("", (h, w), k, c, (1, 1))]
    groups, spread = getattr(rule.options, "groups", 1), dilation_of(link.kernel_at_target)
    if getattr(rule.options, "order", "") == "printed":
        near = Part(".d2", (h, w), k, c, (1, 1), groups=groups, last=False)
        return [near, Part(".d1", (h, w), c, c, (3, 3), spread, groups, first=False)]
    far = Part(".d1", (h, w), k, k, (3, 3), spread, groups, last=False)
    return [far, Part(".d2", (h, w), k, c, (1, 1), groups=groups, first=False)]


def all_parts(network: Network, rule: AnyRule) -> list[Part]:
    """Contractions of every link that carries an error."""
    found = links(network)
    return [part for layer in propagating(network) for part in parts(found[layer.name], rule)]


class LinkTwin(Twin):
    """Twin of a network's ops with EP over links."""

    spec: AnyRule

    def propagation(self, layer: Layer) -> dict[str, Work]:
        link = links(self.network)[layer.name]
        return {
            f"{layer.name}.EP{part.suffix}": self.link(link, part)
            for part in parts(link, self.spec)
        }

    def link(self, link: Link, part: Part) -> Work:
        """Work of one part. Fixed weights have no zeros."""
        (h, w), (p, q, k) = part.shape, link.source.out_shape
        needed = self.needed_pixels(link.layer) if part.last else None
        if part.taps is None:
            every = [(y, x, c) for y in range(p) for x in range(q) for c in range(k)]

            def matrix(_: int, m: int) -> Stream:
                return [
                    (self.pixel(link.source, "error", (p, q, k), m // (h * w), *at), 1, True)
                    for at in every
                ]

            return Work(
                "EP",
                part.channels,
                self.batch * h * w,
                matrix,
                self.batch * part.macs,
                needed,
                column_words=part.sources,
            )
        wide = Convolution(
            "",
            (),
            ((h, w, part.channels),),
            (h, w, part.sources),
            part.taps,
            dilation=part.dilation,
            groups=part.groups,
        )
        pad = [
            reach * (extent - 1) // 2
            for extent, reach in zip(part.taps, part.dilation, strict=True)
        ]
        moving = self.spread(link.source, h, w, traced=part.first)

        def convolution(channel: int, m: int) -> Stream:
            n, y, x = m // (h * w), m // w % h, m % w
            found: Stream = []
            for i, j, hole in self.taps(wide):
                for c, other in self.reduced(channel, part.sources, part.channels, part.groups):
                    structural = hole or other
                    found.append(
                        (0, 0, False)
                        if structural
                        else (moving(n, y + pad[0] - i, x + pad[1] - j, c), 1, True)
                    )
            return found

        columns = part.sources // part.groups
        return Work(
            "EP",
            part.channels,
            self.batch * h * w,
            convolution,
            self.batch * part.macs,
            needed,
            column_words=columns,
            groups=part.groups,
        )

    def spread(
        self, source: Layer, h: int, w: int, traced: bool
    ) -> Callable[[int, int, int, int], int]:
        """Bits of the source's error resized to h x w by nearest neighbour; all ones if not
        ``traced``; 0 outside.
        """
        p, q, _ = source.out_shape

        def bit(n: int, y: int, x: int, c: int) -> int:
            inside = 0 <= y < h and 0 <= x < w
            if not (inside and traced):
                return int(inside)
            return self.pixel(source, "error", source.out_shape, n, y * p // h, x * q // w, c)

        return bit
