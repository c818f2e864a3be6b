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
    """Keyword arguments of `accelsim.experiment.simulate`. InputError with every faulty option."""
    faults = values.Faults()
    settings = {
        "batch": None
        if batch is None
        else faults.take(lambda: values.whole("--batch", batch, 1, values.LARGEST_BATCH), 1),
        "trace": faults.take(lambda: values.traces("--trace", trace), None),
        "trace_any_rule": trace_any_rule,
        "passes": faults.take(lambda: values.pass_list("--passes", passes), None),
        "schedule": faults.take(
            lambda: values.one_of("--schedule", schedule, values.SCHEDULES), schedule
        ),
        "optimizer": faults.take(
            lambda: values.one_of("--optimizer", optimizer, values.OPTIMIZERS), optimizer
        ),
        "seed": faults.take(lambda: values.whole("--seed", seed, 0), 0),
    }
    faults.refuse()
    return settings
