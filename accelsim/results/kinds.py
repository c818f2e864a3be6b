"""Documents of any kind. The key ``schema`` tells the kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field

from accelsim.config.schema import model_schema
from accelsim.errors import Fault, InputError
from accelsim.results.comparison import Comparison
from accelsim.results.document import Document, read_json, schema_of, schema_refusal
from accelsim.results.result import Result

AnyDocument = TypeVar("AnyDocument", bound=Document)

SIMULATIONS: tuple[type[Result] | type[Comparison], ...] = (Result, Comparison)


def json_schema() -> dict[str, Any]:
    """JSON Schema of results and comparisons."""
    return model_schema(Annotated[Result | Comparison, Field(discriminator="schema_")])


def parse(value: object, kinds: Sequence[type[AnyDocument]], source: str = "") -> AnyDocument:
    """Check parsed JSON as a document of one of ``kinds``.

    Raises InputError if it is none of them, and with every fault by its dotted key.
    """
    name = schema_of(value)
    for kind in kinds:
        if kind.schema_name() == name:
            return kind.parse(value, source)
    names = [kind.schema_name() for kind in kinds]
    raise InputError(Fault(source, 0, 0, schema_refusal(names, name)))


def read(path: Path, kinds: Sequence[type[AnyDocument]]) -> AnyDocument:
    """Read a file. Raises InputError if it cannot be read or is not JSON, and like `parse`."""
    return parse(read_json(path), kinds, str(path))
