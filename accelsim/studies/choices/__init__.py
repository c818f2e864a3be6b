"""Effect of modelling choices on DFA against BP: every choice that has a switch, changed alone.

May import papers/ for parallel runs, and experiment/ and below.
"""
