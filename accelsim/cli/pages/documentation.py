"""Files that the models of the input files write about themselves: pages of docs/ and
arch_configs/template.yaml.

``python -m accelsim.cli.pages.documentation`` rewrites the files; a test keeps the committed ones
current.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from accelsim.cli.pages import dram as dram_page
from accelsim.cli.pages import heads as page_heads
from accelsim.config import catalog
from accelsim.config.describe import Hint, describe, join, keys, spell, tags
from accelsim.config.kinds import Kinds
from accelsim.config.source import Document
from accelsim.cost.technology_file import TechnologyFile
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import read_architecture
from accelsim.workload.file import Workload

_UNITS = {"_bits": "bits", "_ns": "ns", "_pj": "pJ"}
_EXAMPLE = "near-memory"
_WIDTH = 110

TEMPLATE_HEAD = """\
# Every key of a machine file: what it means, what it may be, its default. Copy this file, change
# what you like, and run `accelsim check` on it. Keys with a default may be left out. The values are
# those of near-memory.yaml; keys of other kinds of PE array are comments. Written by
# `python -m accelsim.cli.pages.documentation` from the models of accelsim/machine and accelsim/pe.
"""


@dataclass(frozen=True)
class Key:
    """A key of a specification: where it is, its field, and the model of the mapping it holds,
    if it holds one. ``kinds``: the kinds of its own mapping that have it, () for all.
    """

    path: tuple[str, ...]
    field: FieldInfo
    section: type[BaseModel] | None
    unit: str
    kinds: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The rule of a value: ``an integer >= 1, in bits``."""
        words = describe(Hint.of_field(self.field))
        return f"{words}, in {self.unit}" if self.unit else words

    @property
    def default(self) -> str | None:
        """The default as YAML writes it; None for a key that must be given."""
        if self.field.is_required():
            return None
        if self.section is not None:
            return "its keys' defaults"
        value = (
            self.field.default
            if self.field.default is not PydanticUndefined
            else self.field.get_default(call_default_factory=True)
        )
        return '""' if value == "" else spell(value)


def every_key(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Keys of a model; each mapping is followed by the keys in it. A key that several kinds share
    appears once.
    """
    for key, field in keys(model).items():
        inner, hint = (*path, key), Hint.of_field(field)
        yield Key(inner, field, hint.model or _shared(hint), _unit(model, field))
        if hint.model is not None:
            yield from every_key(hint.model, inner)
        elif tags(hint):
            yield from _keys_of_kinds(hint, inner)


def _keys_of_kinds(hint: Hint, path: tuple[str, ...]) -> Iterator[Key]:
    """Keys of a mapping that has several kinds: ``kind``, then the others in order of first
    appearance.
    """
    sections = {kind: each.model for kind, each in tags(hint).items() if each.model is not None}
    words = [
        f"`{kind}`: {_lower(section.model_fields[Kinds.key].description or '')}"
        for kind, section in sections.items()
    ]
    annotation: Any = Literal[tuple(sections)]
    chooser = FieldInfo(annotation=annotation, description=f"Kind. {' '.join(words)}")
    yield Key((*path, Kinds.key), chooser, None, "")
    owners: dict[tuple[str, ...], list[str]] = {}
    first: dict[tuple[str, ...], Key] = {}
    for kind, section in sections.items():
        for key in every_key(section, path):
            owners.setdefault(key.path, []).append(kind)
            first.setdefault(key.path, key)
    del first[*path, Kinds.key]
    for place, key in first.items():
        own = owners[place]
        yield key if len(own) == len(sections) else replace(key, kinds=tuple(own))


def _shared(hint: Hint) -> type[BaseModel] | None:
    """The model that the kinds of a mapping extend."""
    return next((each.model for each in tags(hint).values()), None)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _unit(model: type[BaseModel], field: FieldInfo) -> str:
    """The unit in the field's name that its key leaves out."""
    name = next(name for name, other in model.model_fields.items() if other is field)
    return next(
        (
            unit
            for suffix, unit in _UNITS.items()
            if name.endswith(suffix) and field.alias is not None
        ),
        "",
    )


def page(head: str, model: type[BaseModel]) -> str:
    """The text of a page of docs/: ``head``, then a table of keys for the file and for every
    mapping in it.
    """
    parts = [head]
    titles: dict[type[BaseModel], list[str]] = {}
    for title, section in (("The file", model), *_mappings(model)):
        titles.setdefault(section, []).append(title)
    for section, names in titles.items():
        title, text = ", ".join(dict.fromkeys(names)), " ".join((section.__doc__ or "").split())
        parts.append(f"\n## {title}\n\n{text}\n\n")
        parts.append("| key | value | default | meaning |\n|---|---|---|---|\n")
        for name, field in keys(section).items():
            key = Key((name,), field, Hint.of_field(field).model, _unit(section, field))
            default = (
                "required"
                if key.default is None
                else key.default
                if key.section is not None
                else f"`{key.default}`"
            )
            parts.append(f"| `{name}` | {key.rule} | {default} | {field.description} |\n")
    return "".join(parts)


def _mappings(
    model: type[BaseModel], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, type[BaseModel]]]:
    """Title and model of every mapping below a model: single ones, optional ones, items of
    lists; items of several kinds by their kinds.
    """
    for name, field in keys(model).items():
        inner, hint = (*path, name), Hint.of_field(field)
        hint = hint.item(0) if get_origin(hint.annotation) is tuple else hint
        by_kind: dict[type[BaseModel], list[str]] = {}
        for kind, member in tags(hint).items():
            if member.model is not None:
                by_kind.setdefault(member.model, []).append(f"`{kind}`")
        for member_model, kinds in by_kind.items():
            yield f"`{'.'.join(inner)}`, kind {join(kinds)}", member_model
            yield from _mappings(member_model, inner)
        for choice in (hint, *hint.choices) if not by_kind else ():
            if choice.model is not None:
                yield f"`{'.'.join(inner)}`", choice.model
                yield from _mappings(choice.model, inner)


def template() -> str:
    """The text of arch_configs/template.yaml."""
    example = read_architecture(catalog.find("arch", _EXAMPLE))
    lines = [TEMPLATE_HEAD]
    kind = example.data["pe_array"][Kinds.key]
    for key in every_key(Machine):
        indent = "  " * (len(key.path) - 1)
        default = "must be given" if key.default is None else f"default {key.default}"
        rule = default if key.section is not None else f"{key.rule}; {default}"
        if key.kinds:
            rule = f"kind {join(key.kinds)}: {rule}"
        lines.append("\n" if len(key.path) == 1 else "")
        for comment in (key.field.description or "", f"({rule})"):
            lines += [
                f"{indent}# {line}\n"
                for line in textwrap.wrap(comment, _WIDTH - len(indent), break_on_hyphens=False)
            ]
        mark = "# " if key.kinds and kind not in key.kinds else ""
        lines.append(f"{indent}{mark}{_entry(key, example)}\n")
    return "".join(lines)


def _entry(key: Key, example: Document) -> str:
    name = key.path[-1]
    if key.path == ("base",):
        return f"# {name}: {_EXAMPLE}"
    if key.path == ("name",):
        return f"{name}: template"
    if key.path == ("description",):
        return f"{name}: every key of a machine file, to copy"
    if key.section is not None:
        return f"{name}:"
    return f"{name}: {example.values[key.path].text if key.path in example.values else key.default}"


def outputs(root: Path) -> dict[Path, str]:
    """The generated files of a checkout at ``root``, and what must be in them."""
    docs = root / "docs"
    return {
        docs / "architecture.md": page(page_heads.ARCHITECTURE, Machine),
        docs / "workloads.md": page(page_heads.WORKLOAD, Workload),
        docs / "dram.md": page(dram_page.HEAD, DramSpec),
        docs / "technology.md": page(page_heads.TECHNOLOGY, TechnologyFile),
        root / "arch_configs" / "template.yaml": template(),
    }


def main() -> None:
    """Rewrite the generated files of the checkout that this package is in."""
    for path, text in outputs(catalog.folder("arch").parent).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
