"""Plain twin of the banks: cycle by cycle, from a queue of the lines that are asked for."""

from __future__ import annotations


def lines(words: int, bits: int, column: int, stride: int, width: int) -> list[int]:
    """The lines that a stream asks for, bit by bit, without those asked for twice in a row."""
    found: list[int] = []
    for word in range(words):
        element = (word % column) * stride + word // column
        for bit in range(bits):
            line = (element * bits + bit) // width
            if not found or found[-1] != line:
                found.append(line)
    return found


def stream_cycles(
    words: int, bits: int, column: int, stride: int, banks: int, width: int, block_lines: int
) -> int:
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
