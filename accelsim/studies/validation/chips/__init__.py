"""Comparison of the simulator with published chips.

May import the rest of validation/.
"""
