"""What a training step executes: ops over tensors, with no machine and no network in sight.

May import kernels/ and errors.
"""
