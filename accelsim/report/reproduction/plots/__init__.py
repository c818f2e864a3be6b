"""Figures of a reproduction, a file per kind of panel.

May import the rest of report/.
"""
