"""Importers of network files, one per format.

May import workload/, config/ and errors.
"""
