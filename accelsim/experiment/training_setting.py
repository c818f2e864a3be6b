"""The settings that decide a training run, apart from its network: `TrainingSetting`.

Each field is a keyword argument of `train` and an option of the command. The module imports nothing
heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.config.names import OptimizerName, RateSchedule
from accelsim.config.reading.options import Options, option
from accelsim.config.reading.values import (
    comma_list,
    flag,
    fraction,
    instance,
    named_folder,
    not_negative,
    one_of,
    positive,
    whole,
)
from accelsim.errors import InputError
from accelsim.experiment.setting import RULE, SEED
from accelsim.numerics.names import StorageFormat

if TYPE_CHECKING:
    from accelsim.rules.spelling import AnyRule

LARGEST_WIDTH = 16.0
STORED = ("weight", "activation", "error")
"""Tensors whose storage format can be set."""


RULE_RULE = "the text of a rule, such as sdfa:k=2"


def one_rule(name: str, value: Any) -> str | AnyRule:
    """A rule's text, or a rule with its options."""
    if not isinstance(value, str):
        from accelsim.rules.declaration import RuleSpec  # imports pydantic

        instance(name, value, RuleSpec, RULE_RULE)
    kept: str | AnyRule = value
    return kept


def _epochs(name: str, value: object) -> int:
    return whole(name, value, 1)


def _width(name: str, value: object) -> float:
    return positive(name, value, LARGEST_WIDTH)


def _vocabulary(name: str, value: object) -> int | None:
    return None if value is None else whole(name, value, 2)


def _batch(name: str, value: object) -> int:
    return whole(name, value, 1, LARGEST_BATCH)


def _learning_rate(name: str, value: object) -> float | None:
    return None if value is None else positive(name, value)


def _schedule(name: str, value: object) -> str:
    return one_of(name, value, tuple(map(str, RateSchedule)))


def _optimizer(name: str, value: object) -> str | None:
    return None if value is None else one_of(name, value, tuple(map(str, OptimizerName)))


def _trace_every(name: str, value: object) -> int:
    return whole(name, value, 0)


def storage_formats(name: str, value: str | Mapping[str, str]) -> dict[str, str]:
    """The format of each named tensor, from ``weight=bf16,error=e5m2`` or a mapping; {} for
    nothing. InputError for an unknown tensor or format, and for a tensor named twice.
    """
    known = tuple(map(str, StorageFormat))
    rule = (
        "a comma-separated list of "
        f"{', '.join(f'{tensor}=FORMAT' for tensor in STORED)} with formats {', '.join(known)}"
    )
    instance(name, value, (str, Mapping), rule)
    if isinstance(value, Mapping):
        value = ",".join(f"{tensor}={given}" for tensor, given in value.items())
    formats: dict[str, str] = {}
    for item in comma_list(name, value) if value else ():
        tensor, _, given = (part.strip() for part in item.partition("="))
        if tensor not in STORED or given not in known:
            raise InputError(f"{name} must be {rule}, got {item}")
        if tensor in formats:
            raise InputError(f"{name} must name each tensor once, got {tensor} twice")
        formats[tensor] = given
    return formats


@dataclass(frozen=True, kw_only=True, repr=False)
class TrainingSetting(Options):
    """Settings of a training run. Every field is a keyword argument of `train`; the help texts give
    the meanings.

    ``data``: a folder, or None for scikit-learn's digits. ``learning_rate`` and ``optimizer``: None
    for the network's defaults. InputError with every faulty field.
    """

    rule: str | AnyRule = field(
        default=RULE,
        metadata=option(
            "R",
            "Learning rule: `name` or `name:key=value,key=value`, or `FILE.py:name` for a rule in "
            "a file of your own.",
            one_rule,
        ),
    )
    data: str | Path | None = field(
        default=None,
        metadata=option(
            "DIR",
            "Folder of the published files of CIFAR-10, CIFAR-100, MNIST or Fashion-MNIST, or of "
            "WikiText-2; without it, scikit-learn's digits.",
            named_folder,
            shows_default=False,
        ),
    )
    epochs: int = field(
        default=1,
        metadata=option("E", "Passes over the training set.", _epochs),
    )
    width: float = field(
        default=1.0,
        metadata=option("X", "Channels of hidden layers, as a multiple of NETWORK's.", _width),
    )
    vocabulary: int | None = field(
        default=None,
        metadata=option(
            "N",
            "Number of distinct words of a text; all others count as one word. Default: NETWORK's.",
            _vocabulary,
        ),
    )
    batch: int = field(
        default=32,
        metadata=option(
            "N", "Samples per training step; for text, the number of parallel streams.", _batch
        ),
    )
    learning_rate: float | None = field(
        default=None,
        metadata=option("X", "Learning rate; default: 0.003, or for text 0.002.", _learning_rate),
    )
    schedule: str = field(
        default="constant",
        metadata=option(
            "S",
            "Learning rate over the epochs: constant, or cosine, which falls to zero.",
            _schedule,
        ),
    )
    optimizer: str | None = field(
        default=None,
        metadata=option(
            "O",
            "sgd, momentum, adam, adamw or lion; default: momentum, or for text adam, as in the "
            "papers.",
            _optimizer,
        ),
    )
    weight_decay: float = field(
        default=0,
        metadata=option("X", "Multiple of each weight added to its gradient.", not_negative),
    )
    augment: bool = field(
        default=False, metadata=option("", "Random crops and flips of photographs.", flag)
    )
    held_out: float = field(
        default=0,
        metadata=option(
            "F", "Fraction of the training set kept for scoring, not used for training.", fraction
        ),
    )
    formats: str | Mapping[str, str] = field(
        default="",
        metadata=option(
            "LIST",
            "Storage formats of tensors, such as weight=bf16,activation=fp16,error=e5m2. Known: "
            "fp32 (the default), fp16, bf16, e4m3, e5m2.",
            storage_formats,
            shows_default=False,
        ),
    )
    trace_every: int = field(
        default=0,
        metadata=option("N", "Epochs between traces of zeros; 0 for none.", _trace_every),
    )
    samples: int = field(
        default=4, metadata=option("N", "Samples of the traced step that a trace keeps.", _epochs)
    )
    seed: int = field(default=0, metadata=SEED)
