"""Steps of two kinds: hdfa.

May import the other rules, and layers/, zeros/, workload/, step/ and below.
"""
