"""Layer kinds: one file each, with shapes, ops and numbers.

May import zeros/, workload/, step/, config/, numerics/ and kernels/.
"""
