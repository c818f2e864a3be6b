"""The first output on a terminal: the summary of simulate and compare, and the text of show. May
import the rest of report/ and results/.
"""
