"""Rules over time: triangular, and revised for recurrent networks.

May import rules/walk/ and rules/direct/, and layers/, zeros/, workload/, step/ and below.
"""
