"""Broadcast of moving words into a FIFO per PE (EIE).

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
