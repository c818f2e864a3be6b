"""Plug-ins: learning rules, layer kinds, PE kinds and importers from a user's file, an installed
distribution or a notebook.

A plug-in's code runs only when a name of it is used. May import errors and suggest alone.
"""
