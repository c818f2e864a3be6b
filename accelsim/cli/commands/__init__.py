"""The commands, one file each: options in, calls to the rest of the package, documents out.

May import every other folder; heavy modules are imported inside the command that needs them.
"""
