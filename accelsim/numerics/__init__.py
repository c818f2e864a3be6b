"""Tensor mathematics of the reference: products, storage formats, losses.

May import kernels/ and errors.
"""
