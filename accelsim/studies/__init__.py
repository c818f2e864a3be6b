"""Studies that use the simulator: the papers' tables, the accuracy study, and validation against
published data.

They may import experiment/ and everything below it; only cli/ may import them.
"""
