"""The walk through a network that all rules share, as ops and as numbers.

May import layers/, zeros/, workload/, step/ and below.
"""
