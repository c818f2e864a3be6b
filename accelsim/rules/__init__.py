"""Learning rules: one folder per family, each with its declarations, options, ops and numbers.

A rule never sees the machine. May import layers/, zeros/, workload/, step/, numerics/ and below.
"""
