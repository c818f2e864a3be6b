"""Shared parts of the kinds that skip zeros: canonical mapping and loop nest.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
