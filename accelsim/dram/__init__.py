"""DRAM: standards, the controller, the channels of a machine, and request files.

May import cost/, config/ and kernels/.
"""
