"""Streams through the staging buffer of coupled lanes.

May import kernels/lanes/ and kernels/bits/.
"""
