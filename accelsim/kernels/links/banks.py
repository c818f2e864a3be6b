"""Cycles of word streams over the banks of a memory, with bank conflicts."""

from __future__ import annotations

import numpy as np

from accelsim.kernels.jit import jit


@jit
def stream_cycles(
    words: int, bits: int, column: int, stride: int, banks: int, width: int, block_lines: int
) -> int:
    """Cycles of ``words`` accesses of ``bits`` bits each; the first is at the start of bank 0.

    Access i reads element (i mod column) * stride + i div column: ``stride`` 1 and ``column`` =
    ``words`` is sequential. A bank serves one line of ``width`` bits per cycle, to all words in it.
    Lines are requested in the order of the words (a word may span two), and later requests wait
    behind one whose bank is busy. Line l is in bank l mod banks or, with ``block_lines`` > 0, in
    bank (l div block_lines) mod banks.
    """
    busy_in, serving = np.full(banks, -1, np.int64), np.zeros(banks, np.int64)
    cycle = 0
    for word in range(words):
        first = ((word % column) * stride + word // column) * bits
        for line in range(first // width, (first + bits - 1) // width + 1):
            bank = (line // block_lines if block_lines else line) % banks
            if busy_in[bank] == cycle and serving[bank] != line:
                cycle += 1
            busy_in[bank], serving[bank] = cycle, line
    return cycle + 1 if words else 0
