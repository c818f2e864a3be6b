"""Bounds shared by files and command-line options. The module imports nothing, because options are
parsed before anything slow is loaded.
"""

from __future__ import annotations

LARGEST_BATCH = 1 << 20
"""Maximum number of samples per training step."""
