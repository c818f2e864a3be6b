"""Documents: the results that users and reports read, their laws and their schemas.

May import cost/, zeros/, machine/, workload/, step/, config/.
"""
