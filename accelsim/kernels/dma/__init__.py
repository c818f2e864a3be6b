"""The DMA of a machine: transfers as bursts, on their way through the channels of a DRAM.

May import kernels/dram.
"""
