"""Direct feedback alignment: dfa, bdfa, sdfa, ssdfa.

May import rules/walk/, and layers/, zeros/, workload/, step/ and below.
"""
