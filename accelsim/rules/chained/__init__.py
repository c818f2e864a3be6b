"""Rules that pass errors from layer to layer (bp, bp-only, fa), and frozen, which passes none.

bp-only skips training steps at random; its numbers are in hybrid/ because hdfa chooses steps in the
same way. May import rules/walk/, and layers/, zeros/, workload/, step/ and below.
"""
