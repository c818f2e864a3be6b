"""Kinds of PE: one folder each, one line each in `accelsim.config.registries`.

A kind tiles, moves, times and counts contractions; `cost/energy.py` prices what it counts.
`tests/plugins/pe_bit_serial.py` is a kind from outside the package. After a change of a kind's
section, `python -m accelsim.cli.pages.documentation` writes the pages that list its keys.

`mapping.py` is what a mapped op is, the room `accelsim/mapping` chooses it, and
`accelsim/machine/mapping_choice.py` is the user's say in it.

May import cost/, zeros/, machine/ and below.
"""
