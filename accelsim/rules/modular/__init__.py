"""Rules that send errors between modules: modular, conv-dfa, dilated.

May import rules/walk/, and layers/, zeros/, workload/, step/ and below.
"""
