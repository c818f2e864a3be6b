"""The machine in motion: plans of ops, traffic, memory, and the events that take a step through it.

Never sees a learning rule. May import mapping/, pe/, dram/, cost/, zeros/ and below.
"""
