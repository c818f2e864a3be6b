"""Shared parts of the kinds that multiply every position of a product.

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
