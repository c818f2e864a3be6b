"""Tables, plots and pages of saved documents.

`table.py` defines tables, `tables/` contains those of results, and `summary/` what a terminal shows
first. Plots of results and of training are drawn in `figures/`, those of a reproduction in
`reproduction/plots/`, those of a study in `studies/accuracy/figures` and
`studies/validation/figures.py`.

Reads documents only: may import results/ and errors, and never runs the simulator.
"""
