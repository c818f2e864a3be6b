"""Broadcast arrays: each moving word is sent to a FIFO in every PE (EIE).

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
