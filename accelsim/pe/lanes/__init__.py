"""Zero-skipping lanes: each lane reduces one output and looks a window of positions ahead.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
