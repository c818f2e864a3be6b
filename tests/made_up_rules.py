"""Invented declarations of learning rules for tests of their spelling."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from accelsim.config.registry import Registry
from accelsim.rules.declaration import Rule
from accelsim.rules.options import Options


class Sparse(Options):
    k: Annotated[int, Field(ge=1)] = 2
    rank: Annotated[int, Field(ge=1)] = 10


class Revised(Options):
    groups: Annotated[int, Field(ge=1)] = 1
    sparsity: Annotated[float, Field(ge=0, le=1)] = 0.0
    binary: bool = False
    init: Literal["bw", "random"] = "random"


class Mixed(Options):
    k: Annotated[int, Field(ge=1)] = 2
    p: Annotated[float, Field(ge=0)] = 0.0
    binary: bool = False


OPS = "tests.made_up_rules:unused"
BP = Rule("bp", "bp", "", OPS)
DFA = Rule("dfa", "dfa", "", OPS)
SDFA = Rule("sdfa", "sdfa", "", OPS, options=Sparse)
REVISED = Rule("revised", "revised", "", OPS, options=Revised)
MIXED = Rule("sdfa", "sdfa", "", OPS, options=Mixed)

_HERE = "tests.made_up_rules"
TABLE = Registry(
    "rule",
    {
        "bp": f"{_HERE}:BP",
        "dfa": f"{_HERE}:DFA",
        "sdfa": f"{_HERE}:SDFA",
        "revised": f"{_HERE}:REVISED",
    },
    "accelsim list rules",
)
MIXED_TABLE = Registry("rule", {"bp": f"{_HERE}:BP", "sdfa": f"{_HERE}:MIXED"})
