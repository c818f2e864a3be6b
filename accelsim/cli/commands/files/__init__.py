"""Commands that read, check and list files: check, list, plot, schema.

May import every other folder; heavy modules are imported inside the command that needs them.
"""
