"""Fast loops over arrays, compiled by numba. Kernels know nothing of ops, machines or files.

`jit.py` declares kernels. This package imports only numpy and numba.
"""
