"""The accuracy study: which runs there are, their execution, and the tables and plots made of their
results.
"""
