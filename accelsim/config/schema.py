"""JSON Schemas of models and of the files that hold them, descriptions on one line each."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from accelsim.config.describe import keys


def model_schema(model: Any) -> dict[str, Any]:
    """The JSON Schema of a model or of a union of models, by the keys that files use."""
    schema: dict[str, Any] = _on_one_line(TypeAdapter[Any](model).json_schema(by_alias=True))
    return _named_by_title(schema)


def _named_by_title(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with definitions under their titles: a class may be renamed, its title stays."""
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
    """The same with texts replaced, wherever one is a whole string."""
    if isinstance(value, dict):
        return {key: _replaced(each, texts) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, texts) for each in value]
    return texts.get(value, value) if isinstance(value, str) else value


def file_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a file of that model (draft 2020-12). With a key ``base`` in the model, a
    file that has one may leave out everything but its name.
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
    """A copy in which no key is required and references lead to such copies; a mapping of several
    kinds, which may leave its kind to the base, is one of any of them.
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
    """The same with descriptions that docstrings wrapped joined again, paragraphs kept."""
    if isinstance(value, list):
        return [_on_one_line(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _joined(each) if key == "description" and isinstance(each, str) else _on_one_line(each)
        for key, each in value.items()
    }


def _joined(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
