"""Mapping of ops: the mapper, the tilings other than the canonical one, and the residency of
weights.

`pe/mapping.py` holds the data of a mapped op, `machine/mapping_choice.py` the objective and pins of
a machine file.

May import pe/, results/, cost/, zeros/ and below, and no learning rule.
"""
