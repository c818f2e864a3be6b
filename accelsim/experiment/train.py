"""train(): train a network with a learning rule on real data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from accelsim.config.reading.options import argument
from accelsim.config.reading.values import Faults, function
from accelsim.experiment.arguments import WORKLOAD, as_network, taking
from accelsim.experiment.training_setting import TrainingSetting
from accelsim.numerics.formats import StorageFormats
from accelsim.results.training import TrainingDocument
from accelsim.rules.registry import check_rule, step_rules
from accelsim.rules.spelling import AnyRule, parse_rule
from accelsim.training.defaults import usual_optimizer_and_rate
from accelsim.training.run import OnTrace, RunSpec, TrainingRun, published_task
from accelsim.training.trainer import Progress, Recipe
from accelsim.workload.network import Network
from accelsim.workload.resize import resized


@dataclass(frozen=True)
class PreparedRun:
    """A training run whose options fit each other. Its data are read when it starts."""

    network: Network
    rule: AnyRule
    spec: RunSpec
    data: Path | None

    def started(self, command: str = "") -> TrainingRun:
        """The run before its first epoch. InputError for missing or unsuitable data."""
        task = published_task(self.network, self.spec, self.data)
        return TrainingRun(self.network, self.rule, self.spec, task, command)


def prepared(
    workload: str | Path | Network, setting: TrainingSetting, shown: Callable[[str], str] = str
) -> PreparedRun:
    """The run of a setting. ``shown`` maps an option to its name in faults. InputError with every
    fault.
    """
    faults, every, samples = Faults(), setting.trace_every, setting.samples
    faults.check(
        not every or samples <= setting.batch,
        f"{shown('samples')} must be at most the {shown('batch')} of {setting.batch}, got "
        f"{samples}",
    )
    rule: AnyRule | None = faults.take(lambda: parse_rule(setting.rule), None)
    declared: Network | None = faults.take(lambda: as_network(workload), None)
    network: Network | None = None
    if declared is not None:
        network = faults.take(lambda: resized(declared, setting.width, setting.vocabulary), None)
    if network is not None and rule is not None:
        optimizer = setting.optimizer or usual_optimizer_and_rate(network)[0]
        faults.take(lambda: check_rule(network, rule, optimizer), None)
    if every and rule is not None and rule.rule.kinds:
        families = f"whose steps are of two families: trace {step_rules(rule)} separately"
        faults.check(
            False,
            f"{shown('trace_every')} must be left out with {rule.name}, {families}, got {every}",
        )
    faults.refuse()
    assert network is not None
    assert rule is not None
    return PreparedRun(network, rule, _spec(network, setting), _data(setting))


def _data(setting: TrainingSetting) -> Path | None:
    return None if setting.data is None else Path(setting.data)


def _spec(network: Network, setting: TrainingSetting) -> RunSpec:
    usual_optimizer, usual_rate = usual_optimizer_and_rate(network)
    recipe = Recipe(
        setting.epochs,
        setting.learning_rate or usual_rate,
        setting.schedule,
        setting.optimizer or usual_optimizer,
        setting.weight_decay,
        setting.seed,
    )
    formats: Any = setting.formats
    return RunSpec(
        recipe,
        setting.batch,
        setting.augment,
        setting.held_out,
        StorageFormats(**formats),
        trace_every=setting.trace_every,
        samples=setting.samples,
    )


@dataclass(frozen=True, repr=False)
class Training(TrainingSetting):
    """Arguments of `train`."""

    workload: str | Path | Network = field(metadata=WORKLOAD)
    _: KW_ONLY
    progress: Progress | None = field(default=None, metadata=argument(function))
    on_trace: OnTrace | None = field(default=None, metadata=argument(function))


@taking(Training)
def train(given: Training) -> TrainingDocument:
    """Train a network with a learning rule; gives back the record of scores, angles and densities.

    ``workload``: a built-in name, a file, or a network whose input fits the data. ``data``: a
    folder of published files; None takes scikit-learn's digits. The other keyword arguments are the
    options of ``accelsim train``, with the same defaults. ``progress(steps, of, loss, accuracy)``
    is called after every step, ``on_trace(trace, epoch)`` with each `Trace` that ``trace_every``
    asks for. Raises InputError with every fault.

    >>> import accelsim
    >>> traces = []
    >>> run = accelsim.train(
    ...     "digits-fc", rule="dfa", batch=256, trace_every=1,
    ...     on_trace=lambda trace, epoch: traces.append(trace),
    ... )
    >>> run.epochs[-1].steps, run.cause.optimizer
    (5, 'momentum')
    >>> accelsim.simulate("digits-fc", rule="dfa", trace=traces[0]).cycles > 0
    True
    """
    run = prepared(given.workload, given).started()
    while not run.done:
        run.epoch(given.progress, given.on_trace)
    run.trainer.refuse_explosion()
    return TrainingDocument.parse(run.record.to_json())
