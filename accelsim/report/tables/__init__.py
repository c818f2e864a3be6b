"""Tables of results: steps, passes, energies, cycles, areas, layers, ops and sources.

It may import the rest of report/ and results/.
"""
