"""Which loop nest each op runs under: the mapper, tilings other than the canonical one, residency.

May import pe/, results/, cost/, zeros/ and below, and no learning rule.
"""
