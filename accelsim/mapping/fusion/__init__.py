"""Fusion: which vector work runs on the words of other ops (docs/fusion.md).

May import step/ and machine/.
"""
