"""Learning rules: one folder per family, each with its ops and its numbers, and one registry.

A rule never sees the machine. May import layers/, zeros/, workload/, step/, numerics/ and below.
"""
