"""Comparison of the simulator with the data of other simulators.

May import the rest of validation/.
"""
