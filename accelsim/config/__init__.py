"""Strict YAML: places, units, faults, suggestions, schemas, and the registries of kinds.

May import only errors.
"""
