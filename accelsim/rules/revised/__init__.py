"""The revised rule, over modules of feed-forward networks and through time in recurrent ones.

May import rules/walk/, rules/direct/, rules/modular/ and rules/sequence/, and layers/, zeros/,
workload/, step/ and below.
"""
