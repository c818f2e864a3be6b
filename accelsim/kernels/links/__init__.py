"""Links, banks, meshes, and the events of the pipelines of blocks that use them.

May import kernels/dram/.
"""
