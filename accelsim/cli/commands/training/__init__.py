"""Commands that train a network: train, trace.

May import every other folder; heavy modules are imported inside the command that needs them.
"""
