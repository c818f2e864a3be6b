"""Choice of the trace for a run: shipped with the workload, a file, drawn at random, or none
(dense).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from accelsim.config import catalog
from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.rules.registry import family, same_family
from accelsim.rules.spelling import AnyRule
from accelsim.workload.network import Network
from accelsim.zeros.masks import check_trace, expected_shape
from accelsim.zeros.trace import Trace

MOST_RANDOM_SAMPLES = 8
"""Maximum number of distinct samples of a random trace, so that memory does not grow with the
batch.
"""


TraceArgument = str | Path | Trace | Sequence[str | Path]
"""Trace as users specify it: "shipped", "dense", "random:DENSITY", one or more files, or a Trace in
memory.
"""


@dataclass(frozen=True)
class TraceChoice:
    """Trace of a run (None: dense), the name shown in results, a digest of its content, and notes
    for the reader.
    """

    trace: Trace | None
    name: str
    digest: str
    notes: list[str] = field(default_factory=list)


def choose_trace(
    network: Network, rule: AnyRule, choice: TraceArgument, any_rule: bool, batch: int, seed: int
) -> TraceChoice:
    """The trace for one rule.

    ``choice``: "shipped", "dense", "random:DENSITY", a file, or a list of files from which the one
    of the rule's family is used. Raises InputError if there is no shipped trace, if a file is
    corrupt or does not match the network, or if the trace is of another family and ``any_rule`` is
    false.
    """
    if isinstance(choice, Trace):
        return _matching(network, rule, [(choice.source or "in memory", choice)], any_rule)
    choices = [choice] if isinstance(choice, str | Path) else list(choice)
    if not choices:
        raise InputError("trace must be shipped, dense, random:DENSITY or files, got nothing")
    if len(choices) == 1 and str(choices[0]) == "dense":
        return TraceChoice(None, "dense", "dense", ["every operand is dense"])
    if len(choices) == 1 and str(choices[0]).startswith("random:"):
        density = _density(str(choices[0]))
        drawn = random_trace(network, density, min(batch, MOST_RANDOM_SAMPLES), seed)
        name = f"random:{density:g}"
        return TraceChoice(
            drawn,
            name,
            f"random:{density!r}:{seed}",
            [
                (
                    f"zeros are drawn at random with density {density:g}, seed {seed}; they do not "
                    f"come from training"
                )
            ],
        )
    if [str(each) for each in choices] == ["shipped"]:
        return _shipped(network, rule)
    for each in map(str, choices):
        if _is_random(each) and not Path(each).exists():
            raise InputError(
                f"--trace must be shipped, dense, random:DENSITY or files, got {each}; did you "
                f"mean random:{'DENSITY' if each == 'random' else each}?"
            )
    return _from_files(network, rule, [Path(each) for each in choices], any_rule)


def _is_random(text: str) -> bool:
    """True for ``random`` and for a number, which random:DENSITY must have been meant by."""
    return text == "random" or re.fullmatch(r"[0-9]*\.?[0-9]+", text) is not None


def _density(text: str) -> float:
    try:
        density = float(text.partition(":")[2])
    except ValueError:
        density = -1.0
    if not 0.0 <= density <= 1.0:
        raise InputError(f"trace random:DENSITY must have a density between 0 and 1, got {text}")
    return density


def _shipped(network: Network, rule: AnyRule) -> TraceChoice:
    wanted = _trace_rules(rule)
    names = [f"{network.name}.{name}" for name in wanted]
    available = [name for name in names if name in catalog.names("trace")]
    shipped = {name.rpartition(".")[0] for name in catalog.names("trace")}
    if not available and network.name not in shipped:
        note = f"{network.name} has no trace: every operand is dense (docs/traces.md)"
        return TraceChoice(None, "dense", "dense", [note])
    if not available:
        raise InputError(
            f"{network.name} has no shipped trace for {rule}: "
            "give as trace a file (made by `accelsim trace`), random:DENSITY or dense"
        )
    return _from_files(
        network, rule, [catalog.find("trace", available[0])], False, shown=f"shipped:{available[0]}"
    )


def _trace_rules(rule: AnyRule) -> list[str]:
    """Rules whose traces this rule may use: the rule itself first, then the others of
    its family.
    """
    rule_family = family(rule)
    return [
        rule.name,
        *(
            name
            for name in RULES.names(unread=False)
            if name != rule.name and family(name) == rule_family
        ),
    ]


def _from_files(
    network: Network, rule: AnyRule, paths: list[Path], any_rule: bool, shown: str | None = None
) -> TraceChoice:
    return _matching(network, rule, [(shown or str(path), _read(path)) for path in paths], any_rule)


_MOST_READ = 4
_READ: dict[Path, tuple[bytes, Trace]] = {}
"""Most recently read traces with their files' bytes. Unpacking a trace can take longer than
simulating a step.
"""


def _read(path: Path) -> Trace:
    """The trace, unpacked again only if its file has changed. Raises InputError like
    `Trace.read`.
    """
    content = path.read_bytes() if path.is_file() else b""
    known = _READ.pop(path, None)
    trace = known[1] if known and known[0] == content else Trace.read(path)
    _READ[path] = content, trace
    while len(_READ) > _MOST_READ:
        del _READ[next(iter(_READ))]
    return trace


def _matching(
    network: Network, rule: AnyRule, traces: list[tuple[str, Trace]], any_rule: bool
) -> TraceChoice:
    """Choice among named traces: the one of the rule's family."""
    rule_family = family(rule)
    notes = []
    of_family = (each for each in traces if _serves(each[1], rule))
    name, trace = next(of_family, traces[0])
    if not _serves(trace, rule):
        if not any_rule:
            listed = ", ".join(f"{shown} ({other.rule})" for shown, other in traces)
            hint = _unknown_family([each for _, each in traces])
            raise InputError(
                f"trace must be of the {rule_family} family for {rule}, whose error masks differ "
                f"from others', got {listed}; trace-any-rule accepts it{hint}"
            )
        notes.append(
            f"the trace was made under {trace.rule}, of another family than {rule}: its error "
            f"masks are not those of {rule}"
        )
    check_trace(trace, network)
    return TraceChoice(trace, name, _digest(trace), notes)


def _serves(trace: Trace, rule: AnyRule) -> bool:
    """Whether the trace's rule belongs to the family of ``rule``. The trace of a plug-in's rule may
    state its family.
    """
    stated = trace.extra.get("family") if "@" in trace.rule else None
    return stated == rule.rule.family or same_family(trace.rule, rule)


def _unknown_family(traces: Sequence[Trace]) -> str:
    """A hint for traces of plug-ins whose files are not loaded, so that their families are not
    known.
    """
    names = [trace.rule.partition(":")[0] for trace in traces if "family" not in trace.extra]
    unknown = [
        name
        for name in names
        if "@" in name and name.endswith(".py") and name.partition("@")[0] not in RULES
    ]
    if not unknown:
        return ""
    files = " ".join(f"--plugin {name.partition('@')[2]}" for name in dict.fromkeys(unknown))
    return f", and {files} says its family"


def _digest(trace: Trace) -> str:
    digest = hashlib.sha256()
    for key in sorted(trace.tensors):
        digest.update(f"{key}{trace.tensors[key].shape}".encode())
        digest.update(trace.tensors[key].packed.tobytes())
    return digest.hexdigest()


def random_trace(network: Network, density: float, samples: int, seed: int) -> Trace:
    """Trace with input and error of every layer drawn at ``density``. A layer has a mask only if
    its input map comes from a ReLU; it equals the input's non-zeros, as if no element were at the
    upper end of a relu6.

    Layers that read the same map get the same zeros. Embedding indices, weights and feedback are
    dense.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    for layer in network.weighted:
        shape = expected_shape(network, layer, "input", samples)
        if not shape:
            continue
        masks[f"{layer.name}.input"] = _draw(
            shape, density, seed, f"map {layer.inputs[0]} {prod(shape)}"
        )
        masks[f"{layer.name}.error"] = _draw(
            expected_shape(network, layer, "error", samples), density, seed, f"error {layer.name}"
        )
        if network.rectified(layer.inputs[0]):
            masks[f"{layer.name}.mask"] = masks[f"{layer.name}.input"]
    return Trace.from_masks(network.name, "bp", f"random:{density:g}", 0, seed, masks)


def _draw(shape: tuple[int, ...], density: float, seed: int, what: str) -> NDArray[np.bool_]:
    """Boolean mask with ``density``, from a random stream of ``seed`` and ``what``."""
    random = np.random.default_rng([seed, crc32(what.encode())])
    return np.asarray(random.random(shape, np.float32) < density)
