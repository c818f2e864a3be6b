"""The accuracy study: its list of runs, their execution, and the tables and plots of
their results.
"""
