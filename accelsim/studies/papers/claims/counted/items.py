"""Every sentence with a number by every way of counting, under the papers' own accounting and under
others that are as defensible: no machine involved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.recurrent import binary, recurrent
from accelsim.studies.papers.claims.counted.resnet50 import resnet50
from accelsim.studies.papers.claims.counted.sparse_feedback import sparse_feedback


def items() -> list[Item]:
    """Every claim by every way of counting."""
    return [item for count in COUNTED for item in count()]


COUNTED: tuple[Callable[[], Iterator[Item]], ...] = (
    resnet50,
    recurrent,
    binary,
    sparse_feedback,
)
