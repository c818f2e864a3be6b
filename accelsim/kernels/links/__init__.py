"""Links, banks, meshes, and the block events of the pipelines that use them.

May import kernels/dram/.
"""
