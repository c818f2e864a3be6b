"""Readers of data sets in their published formats.

May import workload/ and errors.
"""
