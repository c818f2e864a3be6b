"""Figures of a reproduction, one file per kind of panel.

May import the rest of report/.
"""
