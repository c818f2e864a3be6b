"""Broadcast of moving words into FIFOs.

May import kernels/bits/.
"""
