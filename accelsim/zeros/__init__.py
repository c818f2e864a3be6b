"""Sources of zeros: traces of real training, patterns of sparse feedback, and the masks of
operands.

May import workload/, step/, config/ and kernels/.
"""
