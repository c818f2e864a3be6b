"""How the headline changed: the cost of a feedback rule over that of BP, one cause after another.

May import papers/ for parallel runs, and experiment/ and below.
"""
