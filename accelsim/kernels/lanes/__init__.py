"""Streams of zero-skipping lanes, and tiles of lanes that meet at a barrier.

May import kernels/bits/.
"""
