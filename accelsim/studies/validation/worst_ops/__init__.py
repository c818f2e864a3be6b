"""Ops that look worst by three measures, in six networks under six rules on five machines, with
the reason of each.

May import experiment/, sim/, pe/ and below.
"""
