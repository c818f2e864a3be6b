"""Tensor mathematics of the reference training: products, storage formats, losses.

May import kernels/ and errors.
"""
