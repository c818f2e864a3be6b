"""Table 1 and figure 8 of Crafton et al. 2019.

May import the shared parts of studies/papers/, and experiment/ and below.
"""
