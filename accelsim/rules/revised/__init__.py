"""The revised rule: over modules in feed-forward networks, over time in recurrent networks.

May import rules/walk/, rules/direct/, rules/modular/ and rules/sequence/, and layers/, zeros/,
workload/, step/ and below.
"""
