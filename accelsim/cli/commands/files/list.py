"""`accelsim list`: built-in machines and networks; learning rules, layer kinds, PE kinds and
importers with their origins.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.errors import InputError
from accelsim.listing import description

if TYPE_CHECKING:
    from accelsim.config.registry import Registry

TEMPLATE = "template"
WIDTH = 100
"""Maximum characters per line."""


def list_(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="archs|workloads|rules|layers|pe-kinds|importers",
            help="Kind of names to list.",
            show_default=False,
        ),
    ],
) -> None:
    """List names, and where each comes from.

    Machines, networks, learning rules, layer kinds, PE kinds or importers. The origin is built-in,
    an installed distribution with its version, or a file; plug-ins of distributions are listed
    without running their code.
    """
    for line in lines(kind):
        print(line)


def archs() -> list[str]:
    """Built-in machines with descriptions and areas, and the folder to copy them from. The template
    is left out, because it is not a machine to compare with.
    """
    from accelsim.config import catalog
    from accelsim.cost.area import estimate, total
    from accelsim.cost.technology import load_technology
    from accelsim.machine.loading import load_machine
    from accelsim.report.style import plain

    rows = []
    for name in catalog.names("arch"):
        if name != TEMPLATE:
            machine = load_machine(name)
            technology = load_technology(machine.technology)
            area = (
                f"about {plain(total(estimate(machine, technology)))} mm2 at {technology.node} nm"
            )
            rows.append((name, f"{machine.description} ({area})"))
    return [*_aligned(rows), f"files: {catalog.folder('arch')}"]


def workloads() -> list[str]:
    """Built-in networks with their descriptions, and the folder to copy them from. The files are
    read, but no network is built, because building one imports the layer kinds and kernels.
    """
    from accelsim.config import catalog
    from accelsim.config.source import read_document

    names = catalog.names("workload")
    files = [read_document(catalog.find("workload", name)) for name in names]
    rows = [(name, file.data["description"]) for name, file in zip(names, files, strict=True)]
    return [*_aligned(rows), f"files: {catalog.folder('workload')}"]


def rules() -> list[str]:
    """Learning rules: name, origin and description; each option on a line of its own below. Options
    that several rules share are described once, after the rules.
    """
    from accelsim.config.describe import describe
    from accelsim.config.registries import RULES
    from accelsim.rules.declaration import Rule, spelt

    def options(rule: Rule) -> Iterator[tuple[str, str]]:
        for option in rule.options.names():
            default = rule.options.default(option)
            shown = "" if default is None else f" (default {spelt(default)})"
            description = rule.options.description(option)
            meaning = f": {description}" if description else ""
            yield f"  {option}=", f"{describe(rule.options.hint(option))}{shown}{meaning}"

    known = [RULES.resolve(name) for name in RULES.names() if RULES.is_read(name)]
    uses = Counter(row for rule in known for row in options(rule))
    shared = {row: None for rule in known for row in options(rule) if uses[row] > 1}

    def details(rule: Rule) -> Iterator[tuple[str, str]]:
        rows = list(options(rule))
        yield from (row for row in rows if row not in shared)
        common = [name.strip() for name, text in rows if (name, text) in shared]
        if common:
            yield "", f"options described below: {', '.join(common)}"

    return [*_registered(RULES, description, details), *_shared_lines(shared)]


def _shared_lines(shared: Iterable[tuple[str, str]]) -> list[str]:
    """Options of several rules. The lines are indented, since only names of rules are not."""
    rows = _aligned(sorted(shared))
    return ["  options of several rules:", *rows] if rows else []


def layers() -> list[str]:
    """Layer kinds: name, origin and description."""
    from accelsim.config.registries import LAYERS

    return _registered(LAYERS, description)


def pe_kinds() -> list[str]:
    """PE kinds: name, origin and description."""
    from accelsim.config.registries import PE_KINDS

    return _registered(PE_KINDS, description)


def importers() -> list[str]:
    """Importers: suffix of the files, origin and description."""
    from accelsim.config.registries import IMPORTERS

    return _registered(IMPORTERS, lambda load: (load.__doc__ or "").partition("\n")[0])


def _registered(
    registry: Registry,
    describe: Callable[[Any], str],
    details: Callable[[Any], Iterable[tuple[str, str]]] = lambda _: (),
) -> list[str]:
    """Lines of a registry's names. Listing runs no plug-in's code: an installed plug-in that has
    not run yet is listed without a description.
    """
    origins = {name: registry.origin(name) for name in registry.names()}
    width = max(map(len, origins.values()), default=0)
    rows: list[tuple[str, str]] = []
    for name, origin in origins.items():
        declaration = registry.resolve(name) if registry.is_read(name) else None
        text = "" if declaration is None else describe(declaration)
        rows.append((name, f"{origin:<{width}}  {text}"))
        rows += [] if declaration is None else details(declaration)
    return _aligned(rows)


LISTS: dict[str, Callable[[], list[str]]] = {
    "archs": archs,
    "workloads": workloads,
    "rules": rules,
    "layers": layers,
    "pe-kinds": pe_kinds,
    "importers": importers,
}


def lines(kind: str) -> list[str]:
    """The lines of one list; InputError when there is no such list."""
    if kind not in LISTS:
        raise InputError(f"what to list must be one of {', '.join(LISTS)}, got {kind}")
    return LISTS[kind]()


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Two columns, the second one wrapped."""
    width = max((len(name) for name, _ in rows), default=0)
    lines: list[str] = []
    for name, text in rows:
        parts = textwrap.wrap(text, WIDTH - width - 2, break_on_hyphens=False) or [""]
        lines.append(f"{name:<{width}}  {parts[0]}".rstrip())
        lines += [f"{'':<{width}}  {part}" for part in parts[1:]]
    return lines
