"""What the models say about themselves: docs/architecture.md, arch_configs/template.yaml and JSON Schemas.

``python -m accelsim.spec.documentation`` rewrites the two files; a test keeps the committed ones current.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from accelsim.spec import catalog
from accelsim.spec.architecture import Architecture
from accelsim.spec.describe import Hint, describe, keys, spell
from accelsim.spec.machine import read_architecture
from accelsim.spec.source import Document

_UNITS = {"_bits": "bits", "_ns": "ns", "_pj": "pJ"}
_EXAMPLE = "near-memory"
_WIDTH = 110

PAGE_HEAD = """# Machine files

Every key of a machine file (`arch_configs/*.yaml`, `--arch`). Written by `python -m accelsim.spec.documentation` from the models of
`accelsim/spec/architecture.py`; `arch_configs/template.yaml` is a valid machine with every key in it, and `accelsim schema arch` prints the JSON
Schema for editors.

A file is strict YAML: only `true` and `false` are booleans, a key may appear once, anchors and tags are refused, an unknown key is a fault.
Quantities carry their unit (`64KiB`, `800MHz`). With `base` a file states only what differs from another machine; lists and plain values replace
the base's, mappings are merged key by key.

Rules between keys:

* `global_buffer.staging` is less than half of `global_buffer.capacity`; `scratchpad.working` is at most `scratchpad.capacity`, and less than it on a
  near-memory machine, whose weights need the rest.
* `partitions` divides the number of PEs.
* A systolic array (`pe_array.kind: systolic`) is dense and has one lane a PE: `lanes` is 1, `skip` is `none` in every pass and `skip_outputs` is
  `false` (which is also what it gets when the file leaves them out), `window` has no effect, and `organization` is `von_neumann`.
  `dataflow` is the systolic array's; lanes are output stationary.
* A file that turns its base's lanes into a systolic array (or back) has the defaults for `lanes`, `window`, `skip`, `skip_outputs` and `dataflow`
  where it gives none, not the base's values; a systolic array then is `von_neumann` without saying so. With `organization: von_neumann` in a file,
  `vector_unit.update_in_pe` is not the base's either.
* `vector_unit.update_in_pe` needs weights that live in the PEs: `organization: near_memory`.
* `near_memory` has no effect on a `von_neumann` machine.
"""

TEMPLATE_HEAD = """# Every key of a machine file: what it means, what it may be, its default. Copy this file, change what you like, and
# run `accelsim check` on it. Keys with a default may be left out. The values are those of near-memory.yaml.
# Written by `python -m accelsim.spec.documentation` from the models of accelsim/spec/architecture.py.
"""


@dataclass(frozen=True)
class Key:
    """A key of a specification: where it is, its field, and the model of the mapping it holds, if it holds one."""

    path: tuple[str, ...]
    field: FieldInfo
    section: type[BaseModel] | None
    unit: str

    @property
    def rule(self) -> str:
        """What a value may be: ``an integer >= 1, in bits``."""
        words = describe(Hint.of_field(self.field))
        return f"{words}, in {self.unit}" if self.unit else words

    @property
    def default(self) -> str | None:
        """The default as YAML writes it; None for a key that must be given."""
        if self.field.is_required():
            return None
        if self.section is not None:
            return "its keys' defaults"
        value = self.field.default if self.field.default is not PydanticUndefined else self.field.get_default(call_default_factory=True)
        return '""' if value == "" else spell(value)


def every_key(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Keys of a model and, after each mapping, those below it."""
    names = {id(field): name for name, field in model.model_fields.items()}
    for key, field in keys(model).items():
        section = Hint.of_field(field).model
        unit = next((unit for suffix, unit in _UNITS.items() if names[id(field)].endswith(suffix)), "")
        yield Key((*path, key), field, section, unit)
        if section is not None:
            yield from every_key(section, (*path, key))


def architecture_page() -> str:
    """The text of docs/architecture.md."""
    parts = [PAGE_HEAD]
    sections: list[tuple[tuple[str, ...], type[BaseModel]]] = [((), Architecture)]
    sections += [(key.path, key.section) for key in every_key(Architecture) if key.section is not None]
    for path, model in sections:
        title = f"`{'.'.join(path)}`" if path else "The file"
        parts.append(f"\n## {title}\n\n{' '.join((model.__doc__ or '').split())}\n\n| key | value | default | meaning |\n|---|---|---|---|\n")
        for key in every_key(model):
            if len(key.path) == 1:
                default = "required" if key.default is None else key.default if key.section is not None else f"`{key.default}`"
                parts.append(f"| `{key.path[0]}` | {key.rule} | {default} | {key.field.description} |\n")
    return "".join(parts)


def template() -> str:
    """The text of arch_configs/template.yaml."""
    example = read_architecture(catalog.find("arch", _EXAMPLE))
    lines = [TEMPLATE_HEAD]
    for key in every_key(Architecture):
        indent = "  " * (len(key.path) - 1)
        default = "must be given" if key.default is None else f"default {key.default}"
        rule = default if key.section is not None else f"{key.rule}; {default}"
        lines.append("\n" if len(key.path) == 1 else "")
        for comment in (key.field.description or "", f"({rule})"):
            lines += [f"{indent}# {line}\n" for line in textwrap.wrap(comment, _WIDTH - len(indent), break_on_hyphens=False)]
        lines.append(f"{indent}{_entry(key, example)}\n")
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


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a file of that model (draft 2020-12). A machine file with a ``base`` may leave out everything but its name."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    if "base" not in keys(model):
        return schema
    definitions = schema.pop("$defs", {})
    partial = {f"Partial{name}": _partial(definition) for name, definition in definitions.items()}
    derived = {**_partial(schema), "required": ["base", "name"]}
    derived["properties"]["base"] = {**derived["properties"]["base"], "type": "string"}
    derived["properties"]["base"].pop("anyOf", None)
    whole = {**schema, "properties": {key: value for key, value in schema["properties"].items() if key != "base"}}
    for part in (derived, whole):
        for word in ("$schema", "title", "description"):
            part.pop(word, None)
    head: dict[str, Any] = {word: schema[word] for word in ("$schema", "title", "description") if word in schema}
    return {**head, "if": {"required": ["base"]}, "then": derived, "else": whole, "$defs": {**definitions, **partial}}


def _partial(schema: Any) -> Any:
    """A copy in which no key is required and references lead to such copies."""
    if isinstance(schema, dict):
        copy = {key: _partial(value) for key, value in schema.items() if not (key == "required" and isinstance(value, list))}
        if isinstance(copy.get("$ref"), str):
            copy["$ref"] = copy["$ref"].replace("#/$defs/", "#/$defs/Partial")
        return copy
    return [_partial(value) for value in schema] if isinstance(schema, list) else schema


def outputs(root: Path) -> dict[Path, str]:
    """The generated files of a checkout at ``root``, and what must be in them."""
    return {root / "docs" / "architecture.md": architecture_page(), root / "arch_configs" / "template.yaml": template()}


def main() -> None:
    """Rewrite the generated files of the checkout that this package is in."""
    for path, text in outputs(catalog.folder("arch").parent).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
