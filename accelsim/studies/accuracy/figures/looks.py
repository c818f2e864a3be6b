"""Colours, lines and order of the rules in figures."""

from __future__ import annotations

from typing import Any

BLACK, GREY = "#000000", "#999999"
BLUE, SKY, GREEN, ORANGE, RED, PINK, WINE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#882255",
)
SOLID, DASHED, DOTTED = "-", (0, (4, 2)), (0, (1, 1.2))

LOOKS: dict[str, tuple[str, Any]] = {
    "bp": (BLACK, SOLID),
    "bp-only:p=0.3": (BLACK, DASHED),
    "bp-only:p=0.1": (BLACK, DOTTED),
    "hdfa:p=0.5,groups=4": (WINE, SOLID),
    "hdfa:p=0.3,groups=4": (WINE, DASHED),
    "hdfa:p=0.1,groups=4": (WINE, DOTTED),
    "hdfa:p=0.2,init=bw,sparsity=0.98": (WINE, SOLID),
    "hdfa:p=0.1,init=bw,sparsity=0.98": (WINE, DOTTED),
    "dfa:per_step=true": (RED, DASHED),
    "triangular:per_step=true": (GREEN, DASHED),
    "fa": (GREEN, SOLID),
    "dfa": (RED, SOLID),
    "bdfa": (ORANGE, SOLID),
    "ssdfa": (PINK, SOLID),
    "conv-dfa": (ORANGE, SOLID),
    "modular": (SKY, SOLID),
    "dilated": (GREEN, SOLID),
    "triangular": (GREEN, SOLID),
    "revised:groups=4": (BLUE, SOLID),
    "revised:groups=8": (BLUE, DASHED),
    "revised:init=bw": (BLUE, SOLID),
    "revised:init=bw,sparsity=0.8,binary=true": (SKY, SOLID),
    "revised:init=bw,sparsity=0.95,binary=true": (SKY, DASHED),
    "revised:init=bw,sparsity=0.98,binary=true": (SKY, DOTTED),
    "dfa:granularity=block": (RED, SOLID),
    "dfa:granularity=sublayer": (ORANGE, DASHED),
    "ssdfa:granularity=block": (PINK, SOLID),
    "hdfa:p=0.1,granularity=block": (WINE, DOTTED),
    "frozen": (GREY, SOLID),
}
"""Colour (Okabe and Ito's palette) and line by rule, in the order of legends. Controls are black
and grey.
"""
MARKERS = "osD^vPX"


def look(rule: str) -> dict[str, Any]:
    """Colour and line of a rule."""
    colour, line = LOOKS.get(rule, (ORANGE, DOTTED))
    return {"color": colour, "linestyle": line}


def place(rule: str) -> int:
    """Position of a rule in legends. Rules that are not in LOOKS come last."""
    return [*LOOKS, rule].index(rule)
