"""Fast loops over arrays, compiled by numba: nothing here knows of ops, machines or files.

`jit.py` declares kernels. May import numpy and numba alone.
"""
