"""Tensor operations of training: patches, pooling, normalization, recurrent cells.

May import kernels/jit.py.
"""
