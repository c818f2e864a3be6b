"""The summary that simulate and compare print: three sentences, one table, where the rest is.

It may import the rest of report/ and results/.
"""
