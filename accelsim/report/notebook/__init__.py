"""Results in a notebook or script: data frames, files, figures in given axes, HTML.

Methods of results import these modules by name (`accelsim/results/shown.py`). May import the rest
of report/ and results/.
"""
