"""Rules whose errors go from layer to layer: bp, bp-only, fa; and frozen, where none do.

May import rules/walk/, and layers/, zeros/, workload/, step/ and below.
"""
