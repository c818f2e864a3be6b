"""From inputs to documents: settings, compilation to a program, simulation, comparison.

Only this room combines network, rule and machine. May import everything except cli/ and studies/.
"""
