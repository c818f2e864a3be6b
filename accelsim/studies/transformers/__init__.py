"""What direct feedback leaves of the backward pass of a transformer.

May import everything but cli/.
"""
