"""Which loop nest each op runs under: the mapper, tilings other than the canonical one, residency.

What a mapped op is stands in `pe/mapping.py`, the user's objective and pins in
`machine/mapping_choice.py`.

May import pe/, results/, cost/, zeros/ and below, and no learning rule.
"""
