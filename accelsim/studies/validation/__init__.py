"""Comparison of the program's numbers with published ones: expected, measured, deviation."""
