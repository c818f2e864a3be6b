"""From inputs to documents: settings, compilation of a program, simulation, comparison.

The one place that knows network, rule and machine together. May import everything but cli/ and
studies/.
"""
