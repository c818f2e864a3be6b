"""Rules whose errors go from layer to layer: bp, bp-only, fa; and frozen, where none do.
bp-only leaves steps out when it trains, as hdfa takes others: its numbers are in hybrid/.

May import rules/walk/, and layers/, zeros/, workload/, step/ and below.
"""
