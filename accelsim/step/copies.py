"""Names of ops that a step has more than once: run again from checkpoints, or per microbatch."""

from __future__ import annotations

import re

from accelsim.step.ops import Op, Pass

AGAIN = ".again"
"""Ends the names of ops of FF that run again, and of what they make."""

_COPY = re.compile(r"(\.again|\.m\d+)+$")


def of_microbatch(name: str, number: int) -> str:
    """Name of an op or a tensor in a microbatch. The first microbatch, 0, keeps the names."""
    return f"{name}.m{number}" if number else name


def copy_suffix(name: str) -> str:
    """What tells an op from others of the same layer and pass: ``"c1.FF.again.m2"`` ->
    ``".again.m2"``; "" for an op that is no copy.
    """
    found = _COPY.search(name)
    return found.group() if found else ""


def runs_again(op: Op) -> bool:
    """Whether it is an op of FF that runs a second time, in the backward walk."""
    return op.pass_ is Pass.FF and AGAIN in copy_suffix(op.name)
