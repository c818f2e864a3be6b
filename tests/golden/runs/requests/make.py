"""Write the request lists of the DRAM cases anew: `python tests/golden/runs/requests/make.py`."""

from __future__ import annotations

from pathlib import Path
from random import Random

COUNT = 300
ROW = 1 << 13
SPAN = 1 << 28


def stream(draw: Random) -> list[tuple[int, int, str]]:
    """Consecutive bursts, one a clock, with a write now and then."""
    return [(i, 64 * i, "W" if draw.random() < 0.2 else "R") for i in range(COUNT)]


def scattered(draw: Random) -> list[tuple[int, int, str]]:
    """Bursts anywhere, with pauses between them."""
    cycles = sorted(draw.randrange(20 * COUNT) for _ in range(COUNT))
    return [(cycle, 64 * draw.randrange(SPAN // 64), draw.choice("RRW")) for cycle in cycles]


def few_rows(draw: Random) -> list[tuple[int, int, str]]:
    """Bursts of eight rows that share banks, and the same burst again at times."""
    rows = [ROW * draw.randrange(SPAN // ROW) for _ in range(8)]
    places = [draw.choice(rows) + 64 * draw.randrange(4) for _ in range(COUNT)]
    return [(2 * i, place, draw.choice("RW")) for i, place in enumerate(places)]


def main() -> None:
    for seed, make in enumerate((stream, scattered, few_rows)):
        lines = [f"{cycle},{address},{kind}" for cycle, address, kind in make(Random(seed))]
        path = Path(__file__).parent / f"{make.__name__.replace('_', '-')}.csv"
        path.write_text("\n".join(["cycle,address,kind", *lines]) + "\n")


if __name__ == "__main__":
    main()
