"""Mappings other than the canonical one: the tilings of an op, what each needs and moves, and those
worth evaluating (docs/mapping.md).
"""
