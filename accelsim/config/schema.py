"""JSON Schemas of models and of the files that hold them. Descriptions have one line
per paragraph.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from accelsim.config.describe import keys


def model_schema(model: Any) -> dict[str, Any]:
    """JSON Schema of a model or of a union of models, with the keys used in files."""
    schema: dict[str, Any] = _on_one_line(TypeAdapter[Any](model).json_schema(by_alias=True))
    return _named_by_title(schema)


def _named_by_title(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with definitions named by their titles. A class can then be renamed without
    changing the schema.
    """
    titles = {
        f"#/$defs/{name}": f"#/$defs/{definition.get('title', name)}"
        for name, definition in schema.get("$defs", {}).items()
    }
    return {
        key: {titles[f"#/$defs/{name}"].rpartition("/")[2]: each for name, each in value.items()}
        if key == "$defs"
        else value
        for key, value in _replaced(schema, titles).items()
    }


def _replaced(value: Any, texts: dict[str, str]) -> Any:
    """The value with strings replaced that equal a key of ``texts``."""
    if isinstance(value, dict):
        return {key: _replaced(each, texts) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, texts) for each in value]
    return texts.get(value, value) if isinstance(value, str) else value


def file_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a file with this model. If the model has a key ``base``, a
    file that gives it may omit all other keys except its name.
    """
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **model_schema(model),
    }
    if "base" not in keys(model):
        return schema
    definitions = schema.pop("$defs", {})
    partial = {f"Partial{name}": _partial(definition) for name, definition in definitions.items()}
    derived = {**_partial(schema), "required": ["base", "name"]}
    derived["properties"]["base"] = {**derived["properties"]["base"], "type": "string"}
    derived["properties"]["base"].pop("anyOf", None)
    whole = {
        **schema,
        "properties": {key: value for key, value in schema["properties"].items() if key != "base"},
    }
    for part in (derived, whole):
        for word in ("$schema", "title", "description"):
            part.pop(word, None)
    head: dict[str, Any] = {
        word: schema[word] for word in ("$schema", "title", "description") if word in schema
    }
    return {
        **head,
        "if": {"required": ["base"]},
        "then": derived,
        "else": whole,
        "$defs": {**definitions, **partial},
    }


def _partial(schema: Any) -> Any:
    """Copy of a schema in which no key is required and references point to such copies. A mapping
    with kinds, whose kind may come from the base, may match any of them.
    """
    if isinstance(schema, dict):
        if "discriminator" in schema and "oneOf" in schema:
            schema = {key: value for key, value in schema.items() if key != "discriminator"}
            schema["anyOf"] = schema.pop("oneOf")
        copy = {
            key: _partial(value)
            for key, value in schema.items()
            if not (key == "required" and isinstance(value, list))
        }
        if isinstance(copy.get("$ref"), str):
            copy["$ref"] = copy["$ref"].replace("#/$defs/", "#/$defs/Partial")
        return copy
    return [_partial(value) for value in schema] if isinstance(schema, list) else schema


def _on_one_line(value: Any) -> Any:
    """The schema with the lines of wrapped descriptions joined, paragraphs kept. Examples of Python
    are left out.
    """
    if isinstance(value, list):
        return [_on_one_line(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _joined(each) if key == "description" and isinstance(each, str) else _on_one_line(each)
        for key, each in value.items()
    }


def _joined(text: str) -> str:
    paragraphs = (part for part in text.split("\n\n") if not part.lstrip().startswith(">>>"))
    return "\n\n".join(" ".join(part.split()) for part in paragraphs)
