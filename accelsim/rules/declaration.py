"""The declaration of a learning rule, and a rule with its options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from accelsim.config.describe import join
from accelsim.config.plugins.source import Plugin, Used
from accelsim.errors import InputError
from accelsim.rules.options import NoOptions, Options, OptionValue

if TYPE_CHECKING:  # so that listing a rule and reading its options do not import numpy
    from accelsim.layers.model import Model
    from accelsim.rules.walk.backward import ErrorPropagation
    from accelsim.rules.walk.numbers import RuleNumerics
    from accelsim.step.ops import TrainingStep
    from accelsim.workload.network import Network

Place = str | Callable[..., Any]
"""A function, or the place ``package.module:attribute`` of one."""
Options_co = TypeVar("Options_co", bound=Options, covariant=True)


@dataclass(frozen=True)
class Rule:
    """A learning rule.

    ``family``: rules of one family produce the same zeros in their errors, so they may share traces
    (docs/traces.md). ``ops``, ``numbers``, ``kinds``: functions, or their places
    ``package.module:attribute``, which are imported when they are first needed.

    * ``ops``: (network, chosen rule) -> `ErrorPropagation`: how errors pass weighted layers, as
      ops.
    * ``numbers``: (model, seed of the feedback, chosen rule) -> `RuleNumerics`: the same as
      numbers. Empty for a rule that cannot be trained.
    * ``kinds``: (chosen rule) -> `StepKind`s, for a rule with several kinds of training step. Such
      a rule has no ops of its own.

    The functions raise InputError when the rule or its options do not suit the network.
    """

    name: str
    family: str
    description: str
    ops: Place = ""
    numbers: Place = ""
    options: type[Options] = NoOptions
    kinds: Place = ""

    def __post_init__(self) -> None:
        """TypeError for a declaration that cannot be used."""
        if not self.ops and not self.kinds:
            raise TypeError(f"rule {self.name} must have ops (or kinds), got neither")
        if not (isinstance(self.options, type) and issubclass(self.options, Options)):
            raise TypeError(f"options of rule {self.name} must be a class that extends Options")
        for field_name, parameters in (
            ("ops", ("network", "rule")),
            ("numbers", ("model", "seed", "rule")),
            ("kinds", ("rule",)),
        ):
            wrong = wrong_call(getattr(self, field_name), parameters)
            if wrong:
                raise TypeError(f"{field_name} of rule {self.name} must be {wrong}")

    def propagation(self, network: Network, spec: RuleSpec[Any]) -> ErrorPropagation:
        """How errors pass the network's weighted layers, as ops. InputError when the rule does not
        suit the network.
        """
        propagation: ErrorPropagation = _imported(self.ops)(network, spec)
        parts = ("direct", "carried", "propagate")
        missing = [part for part in parts if not hasattr(propagation, part)]
        if missing:
            raise InputError(
                f"ops of rule {spec.title} must return an object with {join(parts, 'and')}, got "
                f"{_kind(propagation)} without {join(missing, 'and')}"
            )
        wrong = wrong_call(propagation.propagate, ("low", "layer", "error", "target"))
        if wrong:
            raise InputError(f"propagate of rule {spec.title} must be {wrong}")
        return propagation

    def numerics(self, model: Model, seed: int, spec: RuleSpec[Any]) -> RuleNumerics:
        """How errors pass the model's weighted layers, as numbers. ``seed``: of the feedback
        matrices. InputError when the rule's options do not fit the model.
        """
        numerics: RuleNumerics = _imported(self.numbers)(model, seed, spec)
        if not hasattr(numerics, "feedback_numerics"):
            raise InputError(
                f"numbers of rule {spec.title} must return a RuleNumerics, got {_kind(numerics)}"
            )
        return numerics

    def step_kinds(self, spec: RuleSpec[Any]) -> tuple[StepKind, ...]:
        """The kinds of training step. A rule without ``kinds`` has one, with an empty name."""
        if not self.kinds:
            return (StepKind("", 1.0, spec),)
        kinds: tuple[StepKind, ...] = _imported(self.kinds)(spec)
        if not (isinstance(kinds, tuple) and kinds and all(type(k) is StepKind for k in kinds)):
            wanted = "a tuple of at least one StepKind"
            raise InputError(f"kinds of rule {self.name} must return {wanted}, got {kinds!r:.60}")
        return kinds


def _kind(value: object) -> str:
    """The kind of a value in faults: ``None``, ``a dict``."""
    return "None" if value is None else f"a {type(value).__name__}"


def wrong_call(function: object, parameters: tuple[str, ...]) -> str:
    """The requirement that a plug-in's function breaks, if it cannot be called with these
    parameters, and its own signature: ``a function of (low, layer), got (self)``. ``""`` for a
    right one, for the place of a function, and for one without a known signature.
    """
    if isinstance(function, str):
        return ""
    wanted = f"a function of ({', '.join(parameters)})"
    if not callable(function):
        return f"{wanted}, got {_kind(function)}"
    try:
        signature = inspect.signature(function)
    except ValueError:
        return ""
    try:
        signature.bind(*parameters)
    except TypeError:
        return f"{wanted}, got one of {signature}"
    return ""


def _imported(place: Place) -> Callable[..., Any]:
    if not isinstance(place, str):
        return place
    module, _, attribute = place.partition(":")
    if not (module and attribute):
        raise InputError(f"a function of a rule must be at package.module:attribute, got {place!r}")
    try:
        function: Callable[..., Any] = getattr(import_module(module), attribute)
    except AttributeError as error:
        raise InputError(f"a function of a rule must be at {place}, got: {error}") from error
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the module exists, and imports another that does not
        raise InputError(f"a function of a rule must be at {place}, got: {error}") from error
    return function


@dataclass(frozen=True, eq=False, repr=False)
class RuleSpec(Generic[Options_co]):
    """A learning rule with its options.

    Two are equal when their declarations and their texts are equal. ``str()`` gives the canonical
    text.
    """

    rule: Rule
    options: Options_co
    plugin: Plugin | None = None
    """The plug-in that declares the rule."""

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def title(self) -> str:
        """The name in texts, with the label of the plug-in: ``drtp@drtp.py``."""
        return f"{self.name}@{self.plugin.label}" if self.plugin else self.name

    @property
    def plugins(self) -> tuple[Used, ...]:
        """The plug-in that declares the rule; () for a built-in rule."""
        return (Used("rule", self.name, self.plugin),) if self.plugin else ()

    @property
    def text(self) -> str:
        """The name and the options that were given: ``sdfa:k=2,rank=10``.

        `parse_rule` of the text gives an equal RuleSpec. For a rule of a plug-in's file this holds
        while the file is loaded (``--plugin``).
        """
        return self._written(",")

    @property
    def listed(self) -> str:
        """The text for a comma-separated list: ``sdfa:k=2;rank=10``."""
        return self._written(";")

    def _written(self, separator: str) -> str:
        words = separator.join(f"{name}={spelt(value)}" for name, value in self.options.given)
        return f"{self.title}:{words}" if words else self.title

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"RuleSpec({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSpec) and (self.rule, self.text) == (other.rule, other.text)

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True)
class StepKind:
    """One kind of training step of a rule: its fraction of all steps (``weight``) and the rule that
    lowers it.

    ``rule`` must have ops. ``finish`` changes the lowered ops, for example because the optimizer of
    the declaring rule keeps more state. A rule with one kind of step that changes WU may declare
    that one alone.
    """

    kind: str
    weight: float
    rule: RuleSpec[Options]
    finish: Callable[[TrainingStep], TrainingStep] = field(
        default=lambda step: step, repr=False, compare=False
    )


def spelt(value: OptionValue) -> str:
    """The value in the spelling of users: ``true``, ``0.5``, ``16``."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
