"""Steps of two kinds: hdfa; and the numbers of bp-only, its control, which chained/ declares.

May import the other rules, and layers/, zeros/, workload/, step/ and below.
"""
