"""Tables of the accuracy study as plain data.

May import the rest of the study and report/.
"""
