"""Tables, plots and pages of saved documents.

Reads documents only: may import results/ and errors, and never runs the simulator.
"""
