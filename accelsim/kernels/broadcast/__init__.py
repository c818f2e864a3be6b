"""Broadcast arrays: moving words are sent into the FIFOs of the PEs.

May import kernels/bits/.
"""
