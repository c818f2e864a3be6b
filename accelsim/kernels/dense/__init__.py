"""Closed forms of dense arrays: systolic folds and row-stationary passes.

May import kernels/jit.py.
"""
