"""Zero-skipping lanes: each lane reduces one output along its stream, a window of positions ahead.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
