"""Figures of the accuracy study, one file per part.

May import the rest of the study and report/.
"""
