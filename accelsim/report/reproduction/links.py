"""Anchors and linked figures of a reproduction's page."""

from __future__ import annotations

import re
from html import escape

from accelsim.results.reproduction import Target


def anchor(target: Target, part: str = "") -> str:
    """Anchor for links within the page."""
    return re.sub(
        r"[^\w.-]", "-", f"{target.name}--{part}" if part else target.name, flags=re.ASCII
    )


def linked_figure(id_: str, title: str, caption: str) -> str:
    """A figure that the page loads from the file beside it. Its caption is its tooltip."""
    return (
        f'<figure><a href="{id_}.svg"><img src="{id_}.svg" loading="lazy" '
        f'alt="{escape(title)}" title="{escape(caption)}"></a></figure>'
    )
