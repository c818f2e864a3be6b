"""Pages of docs/ that the models of the input files write about themselves.

May import machine/, workload/, dram/, cost/ and config/.
"""
