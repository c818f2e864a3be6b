"""Streams of zero-skipping lanes, and tiles of lanes that synchronize at a barrier.

May import kernels/bits/.
"""
