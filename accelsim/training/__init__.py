"""Real training of the reference networks: trainer, runs, checkpoints, tasks, and capture of masks.

May import rules/, layers/, zeros/, workload/ and below; never the machine.
"""
