"""Tables, figures and pages of a reproduction document.

May import report/ and results/.
"""
