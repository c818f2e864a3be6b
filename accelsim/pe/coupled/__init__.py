"""Coupled lanes: the 16 lanes of a PE reduce one output cooperatively (TensorDash).

May import pe/lanes/, the shared parts of pe/, and below.
"""
