"""What a terminal shows first: the summary of simulate and compare, and the text of show.

It may import the rest of report/ and results/.
"""
