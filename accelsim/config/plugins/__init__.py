"""Plug-ins: learning rules, layer kinds, PE kinds and importers from a user's file, an installed
distribution or a notebook.

The code of a plug-in runs only when one of its names is used. May import errors and suggest alone.
"""
