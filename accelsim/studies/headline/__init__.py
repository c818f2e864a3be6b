"""The headline: costs of feedback rules over those of BP with accuracy (points/), and how the cost
came to be (waterfall/). May import papers/, and experiment/ and below.
"""
