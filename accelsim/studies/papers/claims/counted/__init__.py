"""Quantitative statements of the papers, evaluated by counting: one file per statement or two.

May import the same as the rest of claims/.
"""
