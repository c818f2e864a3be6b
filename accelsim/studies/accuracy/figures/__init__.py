"""Figures of the accuracy study, a file per part of it.

May import the rest of the study and report/.
"""
