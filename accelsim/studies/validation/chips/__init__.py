"""The simulator held against published chips.

May import the rest of validation/.
"""
