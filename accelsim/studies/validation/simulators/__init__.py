"""The simulator held against the data of other simulators.

May import the rest of validation/.
"""
