"""Plans of ops: mapping, transfers and counts of one op, computed before any event.

May import sim/memory/ and sim/encodings.py, mapping/, pe/, cost/ and below.
"""
