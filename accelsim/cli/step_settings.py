"""Settings of a training step, which simulate, compare and map share: from the texts of their
options to what `accelsim.experiment` takes.
"""

from __future__ import annotations

from typing import Any

from accelsim.cli import values


def step_settings(
    batch: str | None,
    trace: list[str],
    trace_any_rule: bool,
    passes: str,
    schedule: str,
    optimizer: str,
    seed: str,
) -> dict[str, Any]:
    """Keyword arguments of `accelsim.experiment.simulate`. InputError at the first option that is
    wrong.
    """
    return {
        "batch": None if batch is None else values.whole("--batch", batch, 1, values.LARGEST_BATCH),
        "trace": values.traces("--trace", trace),
        "trace_any_rule": trace_any_rule,
        "passes": values.pass_list("--passes", passes),
        "schedule": values.one_of("--schedule", schedule, values.SCHEDULES),
        "optimizer": values.one_of("--optimizer", optimizer, values.OPTIMIZERS),
        "seed": values.whole("--seed", seed, 0),
    }
