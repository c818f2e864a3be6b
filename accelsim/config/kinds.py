"""Mappings that have one of two or more kinds, given by their key ``kind``. The kinds' models are
in a registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from accelsim.config.registry import Registry


class Kinds:
    """Metadata of a field whose mapping has one of a registry's kinds.

    ``pe_array: Annotated[PEArray, Kinds(PE_KINDS)]`` is validated as the union of the registered
    models, which extend ``PEArray``. The registry is read when data are validated. Kinds registered
    later are therefore accepted, and the module that declares the field does not import any kind.
    An installed plug-in is imported only if the data name its kind.
    """

    key = "kind"
    """Key whose value is the kind."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def union(self) -> Any:
        """Union of the models in the registry's order, without those of installed plug-ins that
        have not been named yet.
        """
        names = self.registry.names(unread=False)
        models = dict.fromkeys(self.registry.resolve(name) for name in names)
        return Union[tuple(models)]  # noqa: UP007, its members are known only at run time

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def validated(value: Any) -> Any:
            kind = value.get(self.key) if isinstance(value, Mapping) else None
            if isinstance(kind, str) and kind in self.registry:
                self.registry.resolve(kind)
            return _adapter(self.union()).validate_python(value)

        return core_schema.no_info_plain_validator_function(validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(_adapter(self.union()).core_schema)


@lru_cache(maxsize=8)
def _adapter(union: Any) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[union, Field(discriminator=Kinds.key)])
