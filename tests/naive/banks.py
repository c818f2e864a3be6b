"""Plain twin of the memory banks: serves a queue of requested lines cycle by cycle."""

from __future__ import annotations


def lines(words: int, bits: int, column: int, stride: int, width: int) -> list[int]:
    """Lines that a stream requests, bit by bit, without immediate repetitions."""
    requested: list[int] = []
    for word in range(words):
        element = (word % column) * stride + word // column
        for bit in range(bits):
            line = (element * bits + bit) // width
            if not requested or requested[-1] != line:
                requested.append(line)
    return requested


def stream_cycles(
    words: int, bits: int, column: int, stride: int, banks: int, width: int, block_lines: int
) -> int:
    """Cycles to serve a stream. In each cycle every bank serves one line, in order of request."""
    queue = lines(words, bits, column, stride, width)
    cycles = 0
    while queue:
        serving: dict[int, int] = {}
        while queue:
            line = queue[0]
            bank = line // block_lines % banks if block_lines else line % banks
            if serving.get(bank, line) != line:
                break
            serving[bank] = line
            queue.pop(0)
        cycles += 1
    return cycles
