"""Users of the simulator: the papers' tables, the accuracy study, and validation against silicon.

They may import experiment/ and all below it; only cli/ may import them.
"""
