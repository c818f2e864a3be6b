"""JSON Schemas of models, their descriptions on one line each."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter


def model_schema(model: Any) -> dict[str, Any]:
    """The JSON Schema of a model or of a union of models, by the keys that files use."""
    schema: dict[str, Any] = _on_one_line(TypeAdapter[Any](model).json_schema(by_alias=True))
    return schema


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
