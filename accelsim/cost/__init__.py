"""Energy, area and counts: actions times a table. `energy.py` multiplies the two, and
`results/laws.py` repeats it as a check.

May import machine/, workload/, step/, config/.
"""
