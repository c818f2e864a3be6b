"""Texts with values on the claims page. Each has at most three fields, so that no sentence is made
from more than three values.
"""

from __future__ import annotations

TEMPLATES = {
    "made": "Made by {command}, accelsim {version}.",
    "marks": "{holds} hold, {counted} hold only as counted, {reversed} are reversed.",
    "pair": "{near} / {von}",
    "interval": "[{low}, {high}]",
    "percent": "{value} %",
    "times": "{value}x",
    "at": "batch {batch}",
    "numbers": "{count} measured rows",
    "cells": "{count} cells",
    "others": "{count} other cells",
    "matched": "{matched} of {printed} printed cells match",
    "documented": "{count} not, documented",
    "unexpected": "{count} not, unexpected",
}
MOST_FIELDS = 3


def say(template: str, **fields: str | int) -> str:
    """The text of a template."""
    return TEMPLATES[template].format(**fields)
