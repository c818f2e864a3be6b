"""Tables and figures of Han et al. 2020.

May import the shared parts of studies/papers/, and experiment/ and below.
"""
