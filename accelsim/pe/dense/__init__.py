"""Shared parts of the dense kinds, which execute every position of a product.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
