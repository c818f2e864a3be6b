"""Rules over modules: modular, conv-dfa, dilated, revised on convolutional networks.

May import rules/walk/ and rules/direct/, and layers/, zeros/, workload/, step/ and below.
"""
