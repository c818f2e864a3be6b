"""Figures of results and of training runs, for a paper's column.

May import the rest of report/.
"""
