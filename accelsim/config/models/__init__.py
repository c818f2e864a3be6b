"""Parts that the models of files are written with: sections, units, bounds, rules between keys.

May import the rest of config/.
"""
