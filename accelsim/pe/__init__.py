"""PE kinds: one folder per kind, and one line per kind in `accelsim.config.registries`.

A kind maps, moves, times and counts contractions; `cost/energy.py` prices the counts.

- `mapping.py`: the data of a mapped op.
- `accelsim/mapping`: the choice among mappings.
- `accelsim/machine/mapping_choice.py`: the mapping section of a machine file.

`examples/pe_bit_serial.py` is an example of a kind from outside the package. After a change to
a kind's section, run `python -m accelsim.cli.pages.documentation`, which rewrites the pages that
list its keys.

May import cost/, zeros/, machine/ and below.
"""
