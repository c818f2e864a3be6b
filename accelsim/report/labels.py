"""Short names of runs that are shown side by side."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.results.result import Result


def labels(results: Sequence[Result]) -> list[str]:
    """A short name for each run: the rule, preceded by workload and machine if those differ, and
    followed by the optimizer if it differs and by any other input that distinguishes the runs:
    ``near-memory/bp, sgd``.
    """
    parts = [
        [
            "/".join(_differing(result, results, ("workload", "arch", "rule"))),
            *_differing(result, results, ("optimizer",)),
        ]
        for result in results
    ]
    for key in ("part", "warm", "batch", "checkpoint", "microbatch", "schedule", "trace", "seed"):
        if len({tuple(names) for names in parts}) < len(parts):
            parts = [
                names + _differing(result, results, (key,))
                for names, result in zip(parts, results, strict=True)
            ]
    names = [", ".join(each) for each in parts]
    return [
        name if names.count(name) == 1 else f"{name} #{names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]


_PREFIXES = {"batch": "batch ", "seed": "seed "}
_UNLESS_GIVEN = {"checkpoint": "no checkpoints", "microbatch": "whole batch"}


def _value(result: Result, key: str) -> object:
    if key == "part":
        return "whole step" if result.step is None else "+".join(result.reported_passes())
    if key == "warm":
        return "steady state" if result.warm else "first step"
    value = getattr(result, key)
    if key in _UNLESS_GIVEN:
        return f"{key} {value}" if value else _UNLESS_GIVEN[key]
    return value


def _differing(result: Result, results: Sequence[Result], keys: Sequence[str]) -> list[str]:
    def several(key: str) -> bool:
        return len({str(_value(other, key)) for other in results}) > 1

    return [
        f"{_PREFIXES.get(key, '')}{_value(result, key)}"
        for key in keys
        if key == "rule" or several(key)
    ]
