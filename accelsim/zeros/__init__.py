"""Where zeros come from: traces of real training, patterns of feedback, masks of operands.

May import workload/, step/, config/ and kernels/.
"""
