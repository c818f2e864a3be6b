"""Training steps: ops over tensors, independent of the machine and of the network description.

May import kernels/ and errors.
"""
