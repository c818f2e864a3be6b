"""Simulation of a training step on a machine: op plans, traffic, memory and discrete events.

- `program.py`: a step compiled for a machine.
- `simulation.py`: the processes that execute it.
- `run.py`: the record of a finished run.

This package never sees a learning rule. It may import mapping/, pe/, dram/, cost/, zeros/ and
below.
"""
