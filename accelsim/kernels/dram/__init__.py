"""DRAM banks and their controller, command by command.

May import kernels/jit.py.
"""
