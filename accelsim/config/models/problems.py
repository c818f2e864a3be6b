"""Problems that a model's validators report of a rule that spans several keys, so that the loader
can place each fault at its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

PROBLEM_TYPE = "accelsim_rule"


@dataclass(frozen=True)
class Problem:
    """``<path> must be <rule>, got <got>``; ``path`` is relative to the model that validates.

    ``got`` is for values the file leaves to their default: what the file spells out is quoted from
    it. ``involved`` are the other keys of the rule: where ``path`` is not in the file that was
    asked for, the fault stands at the first of them that is.
    """

    path: tuple[str | int, ...]
    rule: str
    got: object = None
    involved: tuple[tuple[str | int, ...], ...] = ()


def raise_problems(problems: Sequence[Problem]) -> None:
    """Call at the end of a ``model_validator(mode="after")``: raises all at once, or does nothing
    when there are none.
    """
    if problems:
        raise PydanticCustomError(
            PROBLEM_TYPE,
            "{words}",
            {"words": "; ".join(problem.rule for problem in problems), "problems": tuple(problems)},
        )
