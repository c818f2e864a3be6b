"""Parts of the models of files: sections, units, bounds, and rules between keys.

May import the rest of config/.
"""
