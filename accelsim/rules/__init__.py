"""Learning rules: one folder per family, with its declarations, options, ops and numbers.

The class for a rule's ops and the class for its numbers have the same name on purpose (Backprop,
DirectFeedback): they describe one rule, first as work and then as arithmetic. walk/ holds the walk
through a network that all rules share. chained/ holds the rules that pass errors from layer to
layer, such as bp and fa.

A rule does not see the machine. May import layers/, zeros/, workload/, step/, numerics/ and below.
"""

from accelsim.config.registries import RULES
from accelsim.listing import list_package

list_package(__name__, RULES)  # `print(accelsim.rules)` lists what is registered
