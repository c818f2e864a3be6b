"""The study of a transformer: its counts by hand, and its page from made-up points."""

from __future__ import annotations

from pathlib import Path

from accelsim.studies.transformers.counts import Counts, counts
from accelsim.studies.transformers.measure import BATCHES, MACHINES, RULES, WORKLOAD, Point
from accelsim.studies.transformers.report import write

WIDTH, HIDDEN, BLOCKS, WORDS = 512, 2048, 6, 32000


def test_counts_by_hand() -> None:
    """A block's chain: down, up, projection, probabilities, query or key, then a matrix of its
    input: six products per block, after that of the output layer.
    """
    table = WIDTH * WORDS
    square = WIDTH * WIDTH
    block = 4 * square + 2 * WIDTH * HIDDEN
    assert counts(WORKLOAD, "bp", 1).transported == table + BLOCKS * block
    assert counts(WORKLOAD, "bp", 1).chain == 1 + 6 * BLOCKS
    tapped = counts(WORKLOAD, "dfa:granularity=block", 1)
    # Only the first block's error goes on, through its three matrices into the embedding.
    assert tapped.transported == table + BLOCKS * (block - 3 * square) + 3 * square
    assert tapped.chain == 2 + 6


def test_the_page_states_the_spread_and_every_rule(tmp_path: Path) -> None:
    found = [
        Point(
            machine, batch, rule, Counts(100 - 10 * place, 50, 9 - place), *[1.0 - 0.1 * place] * 8
        )
        for machine in MACHINES
        for batch in BATCHES
        for place, rule in enumerate(RULES)
    ]
    names = write(found, tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert names == ["README.md", "transformers.csv"]
    assert "leaves 90% of the MACs of EP" in text
    assert "8 of 9 products in a row" in text
    assert all(
        text.count(f"| {title} |") == 1 + 2 * (rule != "bp") for rule, title in RULES.items()
    )
    lines = (tmp_path / "transformers.csv").read_text().splitlines()
    assert len(lines) == 1 + len(found)
    assert lines[0].startswith("machine,batch,rule,macs,transported,chain,")
