"""From the text of a file to a model, with every fault at its place.

May import the rest of config/.
"""
