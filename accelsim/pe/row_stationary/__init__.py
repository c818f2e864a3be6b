"""Row-stationary arrays: PEs keep kernel rows (Eyeriss).

May import the shared parts of pe/, and cost/, zeros/, machine/ and below.
"""
