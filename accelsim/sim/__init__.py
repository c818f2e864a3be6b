"""The machine in motion: plans of ops, traffic, memory, and the events that take a step through it.

`program.py` is a step compiled for a machine, `simulation.py` the processes that take it through
the machine, `run.py` what a finished run recorded.

Never sees a learning rule. May import mapping/, pe/, dram/, cost/, zeros/ and below.
"""
