"""Audit of the papers' claims: each printed number beside the simulated one, and a verdict.

May import the papers' tables, and experiment/ and below.
"""
