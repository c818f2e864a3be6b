"""DRAM: standards, the controller, channels of a machine, lists of requests.

May import cost/, config/ and kernels/.
"""
