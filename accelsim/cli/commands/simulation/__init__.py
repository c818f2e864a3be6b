"""Commands that run the simulator: simulate, compare, map, dram, reproduce.

May import every other folder; heavy modules are imported inside the command that needs them.
"""
