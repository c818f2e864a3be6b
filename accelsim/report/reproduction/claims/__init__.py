"""The papers' sentences on a reproduction's pages: one table, then a figure and numbers of each.

Texts with values come from `templates` alone. May import report/ and results/.
"""
