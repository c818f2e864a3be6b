"""Learning rules with options given as Python values."""

from __future__ import annotations

from accelsim.rules.declaration import RuleSpec
from accelsim.rules.options import Options
from accelsim.rules.spelling import declared


def chosen(name: str, **options: object) -> RuleSpec[Options]:
    """The rule ``name`` with options from Python values."""
    rule = declared(name)
    return RuleSpec(rule, rule.options.model_validate(options))
