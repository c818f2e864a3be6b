"""Results in a notebook or script: data frames, files, figures in given axes, HTML.

The methods in `accelsim/results/shown.py` import these modules by name. May import the rest of
report/ and results/.
"""
