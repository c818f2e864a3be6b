"""Two reproduction documents side by side: ``python -m accelsim.studies.papers.changes OLD NEW``.

Prints Markdown: the verdicts of the claims that changed, then every number that changed, old and
new.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from accelsim.results.reproduction import Item, ReproductionDocument

VERDICT = "/verdict"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison of two files. Returns 2 if there are not two."""
    files = list(sys.argv[1:] if arguments is None else arguments)
    if len(files) != 2:
        print("usage: python -m accelsim.studies.papers.changes OLD NEW", file=sys.stderr)
        return 2
    old, new = (ReproductionDocument.read(file) for file in files)
    print("\n".join(lines(old, new)))
    return 0


def lines(old: ReproductionDocument, new: ReproductionDocument) -> list[str]:
    """The comparison as Markdown."""
    before = {item.id: item for item in old.items}
    shared = [(before[item.id], item) for item in new.items if item.id in before]
    numbers = [(one, two) for one, two in shared if one.computed != two.computed]
    verdicts = [
        (one, two) for one, two in shared if two.id.endswith(VERDICT) and one.note != two.note
    ]
    added = len(new.items) - len(shared)
    removed = len(old.items) - len(shared)
    found = [
        f"# Numbers of {old.version} and {new.version} side by side",
        "",
        "Made by `python -m accelsim.studies.papers.changes OLD NEW` from two documents of",
        "`accelsim reproduce all`. Percentages of claims are what the newer rule saves.",
        "",
        (
            f"Of {len(shared):,} items in both documents {len(numbers):,} have another number, and "
            f"{len(verdicts):,} verdicts another text; {added:,} items are new, {removed:,} gone."
        ),
        "",
        "Cells of the papers' tables and figures, by target:",
        "",
        "target | items | changed",
        "--- | --: | --:",
    ]
    for target in dict.fromkeys(two.target for _, two in shared):
        of_target = [two for _, two in shared if two.target == target]
        changed = [two for _, two in numbers if two.target == target]
        found.append(f"{target} | {len(of_target):,} | {len(changed):,}")
    found += ["", "## Verdicts"]
    for one, two in verdicts:
        found += ["", f"### {two.id.removesuffix(VERDICT)}", "", f"{old.version}:", ""]
        found += _quoted(one)
        found += ["", f"{new.version}:", "", *_quoted(two)]
    found += ["", "## Numbers", "", "item | unit | old | new", "--- | --- | --: | --:"]
    found += [f"{two.id} | {two.unit} | {_text(one)} | {_text(two)}" for one, two in numbers]
    return found


def _quoted(item: Item) -> list[str]:
    return [f"> {line}" for line in item.note.splitlines()]


def _text(item: Item) -> str:
    return "-" if item.computed is None else f"{item.computed:,.4g}"


if __name__ == "__main__":
    sys.exit(main())
