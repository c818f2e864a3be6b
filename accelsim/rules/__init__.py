"""Learning rules: one folder per family, each with its declarations, options, ops and numbers.

Ops and numbers of a rule have classes of one name on purpose (Backprop, DirectFeedback): they are
the same rule, once as work and once as arithmetic. walk/ is the walk through a network that all
rules share; chained/ has the rules that pass errors from layer to layer, as bp and fa do.

A rule never sees the machine. May import layers/, zeros/, workload/, step/, numerics/ and below.
"""
