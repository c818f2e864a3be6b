"""Shared parts of the kinds whose lanes skip zeros: their canonical mapping and loops.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
