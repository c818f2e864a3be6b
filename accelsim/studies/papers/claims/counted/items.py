"""All statements with a number, under the papers' own accounting and under other plausible ones. No
machine is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.recurrent import binary, recurrent
from accelsim.studies.papers.claims.counted.resnet50 import resnet50
from accelsim.studies.papers.claims.counted.sparse_feedback import sparse_feedback


def items() -> list[Item]:
    """Cells of every statement under every accounting."""
    return [item for count in COUNTED for item in count()]


COUNTED: tuple[Callable[[], Iterator[Item]], ...] = (
    resnet50,
    recurrent,
    binary,
    sparse_feedback,
)
