"""Tables, figures and claims of the two papers, recomputed from the ops that the simulator
executes.

There is one folder per paper, and one for the audit of their claims. May import experiment/ and
below.
"""
