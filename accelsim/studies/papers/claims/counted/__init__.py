"""The papers' sentences with numbers, counted: a file per sentence or two.

May import what the rest of claims/ may.
"""
