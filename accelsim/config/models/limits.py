"""Bounds that files and command-line options share. Nothing is imported here: options are read
before anything heavy is.
"""

from __future__ import annotations

LARGEST_BATCH = 1 << 20
"""Samples of a training step."""
