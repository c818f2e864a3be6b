"""Dense systolic arrays: output, weight or input stationary.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
