"""A reproduction in a folder: the document, a page and a CSV file per target, the claims as data,
drawings, and one HTML page. Either all files are written or none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from accelsim.errors import InputError
from accelsim.report.files import dump, staged
from accelsim.report.reproduction.claims import rows as claims
from accelsim.report.reproduction.page import page
from accelsim.report.reproduction.tables import csv, markdown
from accelsim.results.reproduction import ReproductionDocument

DOCUMENT, PAGE = "reproduction.json", "index.html"


def read(document: Mapping[str, Any]) -> ReproductionDocument:
    """The document as it is read back from JSON text. ValueError for a number that JSON lacks."""
    return ReproductionDocument.parse(json.loads(dump(document)))


def write_reproduction(
    document: Mapping[str, Any], out: Path, before: Callable[[], None] = lambda: None
) -> None:
    """Write all files of ``document`` to ``out``, in place of those of an earlier reproduction.

    ``before`` is called after all files are written but before they are moved to ``out``; if it
    raises, ``out`` stays as it was.
    """
    from accelsim.report.reproduction.plots.drawing import write_figures

    read_back = read(document)
    told = {each.target for each in read_back.sentences}
    with staged(out, earlier_reproduction) as folder:
        (folder / DOCUMENT).write_text(dump(document), encoding="utf-8")
        for target in read_back.targets:
            (folder / f"{target.name}.md").write_text(markdown(read_back, target), encoding="utf-8")
            (folder / f"{target.name}.csv").write_text(csv(read_back, target), encoding="utf-8")
            if target.name in told:
                (folder / claims.FILE).write_text(claims.csv(read_back, target), encoding="utf-8")
        write_figures(read_back, folder)
        (folder / PAGE).write_text(page(read_back), encoding="utf-8")
        before()


def files_of(document: ReproductionDocument) -> list[str]:
    """Names of the files of a reproduction."""
    tables = [f"{target.name}{suffix}" for target in document.targets for suffix in (".md", ".csv")]
    return [
        DOCUMENT,
        *tables,
        *(f"{figure.id}{suffix}" for figure in document.figures for suffix in (".svg", ".png")),
        *([claims.FILE] if document.sentences else []),
        PAGE,
    ]


def earlier_reproduction(out: Path) -> list[Path]:
    """Files that an earlier reproduction wrote into ``out``, derived from its document; none
    without a document. All other files belong to the user.
    """
    try:
        document = ReproductionDocument.read(out / DOCUMENT)
    except InputError:
        return []
    return [path for path in (out / name for name in files_of(document)) if path.is_file()]
