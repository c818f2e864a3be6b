"""`config_hash`: a hash of everything that determines a result, and of nothing else.

It covers the content of the machine, of the DRAM standard and technology it names, of the network,
of the lowered step and of the masks, and the package's version. Names, descriptions, spelling and
file locations are not part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum, StrEnum
from functools import lru_cache
from operator import attrgetter
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel

from accelsim.machine.architecture import Machine
from accelsim.step.ops import TrainingStep
from accelsim.version import __version__
from accelsim.workload.network import Network

DIGITS = 16
"""Hexadecimal digits of a hash."""

_ELSEWHERE = ("schema_", "base", "name", "description", "technology")
"""Fields of a machine that are not content, or whose content is hashed separately."""


@dataclass(frozen=True)
class Configuration:
    """Everything that determines the result of a step.

    ``channels``: DRAM channels, which the machine may leave to the standard. ``tables``: digest of
    the DRAM standard and technology (`Tables`). ``step``: digest of the lowered step
    (`step_digest`). ``masks``: digest of the trace's content, or of the parameters of a random
    trace. ``seed``: seed of the simulator's own draws. ``plugins``: SHA-256 and distribution of
    each plug-in used. ``part``: the passes that are reported, if not all. ``warm``: false for a
    first step.
    """

    network: Network
    machine: Machine
    channels: int
    tables: str
    step: str
    masks: str
    schedule: str
    seed: int
    plugins: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    warm: bool = True

    @property
    def hash(self) -> str:
        """The hash. Rules that lower to the same ops on the same machine have the same hash."""
        parts = (
            __version__,
            _network(self.network),
            _machine(self.machine),
            self.channels,
            self.tables,
            self.step,
            self.masks,
            self.schedule,
            self.seed,
            *self.plugins,
            *self.part,
            *([] if self.warm else ["first step"]),
        )
        return digest(repr(parts))


def step_digest(step: TrainingStep) -> str:
    """Digest of a step without the names of its rule and network."""
    return digest(packed((step.ops, step.carried, step.batch)))


def hybrid_hash(kinds: Sequence[tuple[float, str]]) -> str:
    """Hash of a hybrid result, from the weight and hash of each kind of step, in order."""
    return digest(repr([(float(weight), hash_) for weight, hash_ in kinds]))


def packed(value: object) -> str:
    """Text of a value's whole content, equal for equal values.

    Accepts plain values, sequences, mappings, enums, arrays, models and dataclasses. Dataclass
    fields that are excluded from comparison are left out. Raises TypeError for other types, so that
    no content is ignored silently.
    """
    return json.dumps(_plain(value, {}), separators=(",", ":"), check_circular=False)


_PLAIN = frozenset({str, int, float, bool, type(None)})
_Met = dict[int, object]
"""Converted immutable objects, by identity."""
_Convert = Callable[[Any, _Met], object]


def _plain(value: Any, met: _Met) -> object:
    """The value as JSON data."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    plain = met.get(id(value))
    if plain is None:
        convert = _CONVERSIONS.get(kind)
        if convert is None:
            convert = _CONVERSIONS[kind] = _conversion(kind)
        plain = met[id(value)] = convert(value, met)
    return plain


_CONVERSIONS: dict[type, _Convert] = {}
"""Conversion of each type to JSON data, determined once per type."""


def _conversion(kind: type) -> _Convert:
    """Conversion for values of a type. Raises TypeError if there is none."""
    name = kind.__name__
    if issubclass(kind, Enum):
        return lambda value, _: f"{name}.{value.name}"
    if issubclass(kind, BaseModel):
        return lambda value, _: [name, value.model_dump(mode="json")]
    if is_dataclass(kind):
        return _dataclass_conversion(kind)
    if issubclass(kind, Mapping):
        return lambda value, met: sorted(
            ([_plain(key, met), _plain(each, met)] for key, each in value.items()), key=repr
        )
    if issubclass(kind, tuple | list):
        return lambda value, met: [_plain(each, met) for each in value]
    if issubclass(kind, np.ndarray):
        return lambda value, _: [value.dtype.str, value.shape, digest(value.tobytes())]
    if issubclass(kind, np.generic):
        return lambda value, _: value.item()
    raise TypeError(f"a configuration must hold data, got a {name}")


def _dataclass_conversion(kind: type) -> _Convert:
    """Conversion of a dataclass. Fields that can hold only plain values are not converted."""
    names = [field.name for field in fields(kind) if field.compare]
    known = _plain_fields(kind)
    simple = _getter([name for name in names if name in known])
    others = _getter([name for name in names if name not in known])
    name = kind.__name__

    def convert(value: Any, met: _Met) -> object:
        return [name, simple(value), *[_plain(each, met) for each in others(value)]]

    return convert


def _getter(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Getter of attributes that always returns a sequence."""
    if not names:
        return lambda _: ()
    take = attrgetter(*names)
    return take if len(names) > 1 else lambda value: (take(value),)


def _plain_fields(kind: type) -> set[str]:
    """Fields whose declared types are plain values, string enums, or tuples and unions of these."""
    try:
        hints = get_type_hints(kind)
    except NameError:  # a type that only type checkers import
        return set()
    return {name for name, hint in hints.items() if _is_plain(hint)}


def _is_plain(hint: Any) -> bool:
    if hint in _PLAIN or hint is Ellipsis:
        return True
    if get_origin(hint) in (tuple, Union, UnionType):
        return all(_is_plain(each) for each in get_args(hint))
    return isinstance(hint, type) and issubclass(hint, StrEnum)


@lru_cache(maxsize=64)
def _network(network: Network) -> str:
    """Digest of a network without name, description and default batch."""
    return digest(packed(replace(network, name="", description="", batch=1)))


@lru_cache(maxsize=64)
def _machine(machine: Machine) -> str:
    """Digest of a machine without the fields in `_ELSEWHERE` and the DRAM's channels."""
    content = machine.model_dump(mode="json", exclude=set(_ELSEWHERE))
    del content["dram"]["standard"], content["dram"]["channels"]
    return digest(json.dumps(content))


def digest(content: str | bytes) -> str:
    """First `DIGITS` hexadecimal digits of the content's SHA-256."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()[:DIGITS]
