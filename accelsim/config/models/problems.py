"""Problems that a model's validators report for a rule between two or more keys. The loader places
each fault at its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

PROBLEM_TYPE = "accelsim_rule"


@dataclass(frozen=True)
class Problem:
    """``<path> must be <rule>, got <got>``. ``path`` is relative to the model that validates.

    ``got`` is used if the file leaves the value to its default; values in the file are quoted from
    it. ``involved`` are the other keys of the rule: if ``path`` is not in the requested file, the
    fault is placed at the first of them that is.
    """

    path: tuple[str | int, ...]
    rule: str
    got: object = None
    involved: tuple[tuple[str | int, ...], ...] = ()


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise all problems together, or do nothing if there are none. To be called at the end of a
    ``model_validator(mode="after")``.
    """
    if problems:
        raise PydanticCustomError(
            PROBLEM_TYPE,
            "{words}",
            {"words": "; ".join(problem.rule for problem in problems), "problems": tuple(problems)},
        )
