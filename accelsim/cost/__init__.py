"""Energy, area and action counts.

Energy is counts times a price table. `energy.py` multiplies the two; `results/laws.py` repeats the
product as a check. A price is a sum of parts, whose bounds `uncertainty.py` draws from.

May import machine/, workload/, step/, config/.
"""
