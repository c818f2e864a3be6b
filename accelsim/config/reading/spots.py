"""Place in the data of a pydantic error, and the type required there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accelsim.config.describe import Hint, keys, tags
from accelsim.config.source import KeyPath


@dataclass(frozen=True)
class Spot:
    """Place of an error: the path in the data, the type required there, and the union member that
    pydantic was trying, if any.
    """

    path: KeyPath
    hint: Hint
    union: KeyPath | None = None
    union_hint: Hint | None = None
    member: str = ""


def locate(
    root: Hint, loc: tuple[str | int, ...], members: dict[tuple[Any, ...], list[str]]
) -> Spot:
    """Spot of an error's ``loc``, derived from the type of the whole data.

    ``members``: union members of earlier errors at each prefix of ``loc``, in order; new ones are
    added.
    """
    hint = root
    path: KeyPath = ()
    union: KeyPath | None = None
    union_hint: Hint | None = None
    member = ""
    for index, part in enumerate(loc):
        if not hint.model and hint.choices:
            by_tag = tags(hint)
            if by_tag:
                hint = by_tag.get(str(part), Hint(Any))
                continue
            if len(hint.choices) == 1:
                hint = Hint.of(hint.choices[0].annotation, hint.choices[0].metadata)
            else:
                tried = members.setdefault(loc[:index], [])
                if part not in tried:
                    tried.append(str(part))
                if union is None:
                    union, union_hint, member = path, hint, str(part)
                hint = hint.choices[min(tried.index(str(part)), len(hint.choices) - 1)]
                continue
        path = (*path, part)
        if hint.model is not None:
            field = keys(hint.model).get(str(part))
            hint = Hint.of_field(field) if field is not None else Hint(Any)
        else:
            hint = hint.item(part) if isinstance(part, int) else Hint(Any)
    return Spot(path, hint, union, union_hint, member)
