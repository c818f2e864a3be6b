"""Coupled lanes: the sixteen lanes of a PE reduce one output together (TensorDash).

May import pe/lanes/, the shared parts of pe/, and below.
"""
