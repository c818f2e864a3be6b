"""Points of the headline: what a rule costs against BP in cycles, energy and accuracy.

May import papers/ for parallel runs and AlexNet's layers, and experiment/ and below.
"""
