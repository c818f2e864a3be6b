"""Kinds of PE: one folder each, one line each in `accelsim.config.registries`.

A kind tiles, moves, times and prices contractions. May import cost/, zeros/, machine/ and below.
"""
