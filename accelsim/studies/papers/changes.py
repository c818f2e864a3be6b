"""Two reproduction documents side by side: ``python -m accelsim.studies.papers.changes OLD NEW``.

Prints Markdown: the marks of the sentences that changed, then every number that changed, old and
new.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from accelsim.results.reproduction import Item, ReproductionDocument


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
    marks = {each.name: each.mark for each in old.sentences}
    marked = [
        (marks[each.name], each)
        for each in new.sentences
        if each.name in marks and marks[each.name] != each.mark
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
            f"{len(marked):,} sentences another mark; {added:,} items are new, {removed:,} gone."
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
    found += ["", "## Marks", "", "sentence | old | new", "--- | --- | ---"]
    found += [f"{each.name} | {mark} | {each.mark}" for mark, each in marked]
    found += ["", "## Numbers", "", "item | unit | old | new", "--- | --- | --: | --:"]
    found += [f"{two.id} | {two.unit} | {_text(one)} | {_text(two)}" for one, two in numbers]
    return found


def _text(item: Item) -> str:
    return "-" if item.computed is None else f"{item.computed:,.4g}"


if __name__ == "__main__":
    sys.exit(main())
