"""Where tensors are during a step: scratchpads, global buffer or DRAM, and the stash.

Start with `tensors.py`.
"""
