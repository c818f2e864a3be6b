"""What executing one op costs before any event: its mapping, its transfers, its counts.

May import sim/memory.py and sim/encodings.py, mapping/, pe/, cost/ and below.
"""
