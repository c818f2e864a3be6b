"""Energy, area and counts: actions times a table. Only `energy.py` multiplies the two.

May import machine/, workload/, step/, config/.
"""
