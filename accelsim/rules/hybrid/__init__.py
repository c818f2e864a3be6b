"""Rules with two kinds of training step: hdfa, and the numbers of its control bp-only (declared in
chained/).

May import the other rules, and layers/, zeros/, workload/, step/ and below.
"""
