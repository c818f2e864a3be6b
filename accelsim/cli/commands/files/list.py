"""`accelsim list`: the built-in machines and networks, and the learning rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from accelsim.errors import InputError

TEMPLATE = "template"


def list_(
    kind: Annotated[
        str,
        typer.Argument(metavar="archs|workloads|rules", help="What to list.", show_default=False),
    ],
) -> None:
    """List machines, networks or rules."""
    for line in lines(kind):
        print(line)


def archs() -> list[str]:
    """Built-in machines with descriptions and areas, and the folder to copy them from. The template
    is left out: it is no machine to compare with.
    """
    from accelsim.config import catalog
    from accelsim.cost.area import estimate, total
    from accelsim.cost.technology import load_technology
    from accelsim.machine.loading import load_machine

    rows = []
    for name in catalog.names("arch"):
        if name != TEMPLATE:
            machine = load_machine(name)
            technology = load_technology(machine.technology)
            area = f"about {total(estimate(machine, technology)):.3g} mm2 at {technology.node} nm"
            rows.append((name, f"{machine.description} ({area})"))
    return [*_aligned(rows), f"files: {catalog.folder('arch')}"]


def workloads() -> list[str]:
    """Built-in networks with their descriptions, and the folder to copy them from. The files are
    read, but no network is built: that takes the layer kinds, and they the kernels.
    """
    from accelsim.config import catalog
    from accelsim.config.source import read_document

    names = catalog.names("workload")
    files = [read_document(catalog.find("workload", name)) for name in names]
    rows = [(name, file.data["description"]) for name, file in zip(names, files, strict=True)]
    return [*_aligned(rows), f"files: {catalog.folder('workload')}"]


def rules() -> list[str]:
    """Learning rules with their descriptions; each option on a line of its own below."""
    from accelsim.config.describe import describe
    from accelsim.config.registries import RULES
    from accelsim.rules.declaration import spelt
    from accelsim.rules.spelling import declared

    rows: list[tuple[str, str]] = []
    for name in RULES.names():
        rule = declared(name)
        rows.append((name, rule.description))
        for option in rule.options.names():
            default = rule.options.default(option)
            shown = "" if default is None else f" (default {spelt(default)})"
            description = rule.options.description(option)
            meaning = f": {description}" if description else ""
            rows.append((f"  {option}=", f"{describe(rule.options.hint(option))}{shown}{meaning}"))
    return _aligned(rows)


LISTS: dict[str, Callable[[], list[str]]] = {"archs": archs, "workloads": workloads, "rules": rules}


def lines(kind: str) -> list[str]:
    """The lines of one list; InputError when there is no such list."""
    if kind not in LISTS:
        raise InputError(f"what to list must be one of {', '.join(LISTS)}, got {kind}")
    return LISTS[kind]()


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name:<{width}}  {text}".rstrip() for name, text in rows]
