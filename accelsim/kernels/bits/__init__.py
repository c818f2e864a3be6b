"""Bit-packed masks: packing, counting, taps, effectual MACs, compressed formats.

May import kernels/jit.py.
"""
