"""Checkpoints of a training run: everything that the next epoch depends on, in one file that is
replaced atomically.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.training.trainer import Trainer

SCHEMA = "accelsim.checkpoint/1"
_META = ("cause", "record", "epochs", "steps", "updates", "losses")


def save(path: Path, run: Trainer, cause: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Write the checkpoint after an epoch. ``cause`` holds the inputs that determine the run,
    ``record`` its results so far; both are JSON data.

    The new file replaces the old one atomically, so that a run can resume even if it is killed
    while saving. Raises OSError, with the path, if the file cannot be written.
    """
    meta = {
        "schema": SCHEMA,
        "cause": cause,
        "record": record,
        "epochs": run.epochs_done,
        "steps": run.steps_done,
        "updates": run.optimizer.steps,
        "losses": run.losses,
    }
    arrays: dict[str, Any] = {
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
        **_arrays(run),
    }
    arrays |= {f"optimizer/{'/'.join(key)}": array for key, array in run.optimizer.state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(
        f".{path.name}.partial"
    )  # left behind if the run is killed here; the next save overwrites it
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:  # an error while writing, such as a full disk, lacks the file name
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def _shown(value: object) -> str:
    """A value of the cause as text. A plug-in is shown by its file and the first digits of its
    SHA-256.
    """
    if isinstance(value, list):
        return ", ".join(f"{each['file']} ({each['sha256'][:8]})" for each in value)
    return str(value)


def restore(path: Path, run: Trainer, cause: Mapping[str, Any]) -> dict[str, Any]:
    """Restore a new run from the checkpoint and return the saved record.

    Raises InputError if the file is broken or belongs to a run with another cause.
    """
    arrays, meta = _read(path)
    then = meta["cause"]
    differing = [
        f"{key} {_shown(then.get(key))} then, {_shown(value)} now"
        for key, value in cause.items()
        if then.get(key) != value
    ]
    if differing:
        raise InputError(
            Fault(
                str(path), 0, 0, f"checkpoint must be of the same run, got {'; '.join(differing)}"
            )
        )
    _put(path, _arrays(run), arrays)
    parameters = run.model.parameters()
    for key, array in arrays.items():
        if key.startswith("optimizer/"):
            name, rest = key.removeprefix("optimizer/").split("/", 1)
            layer, parameter = rest.rsplit("/", 1)  # layer names may contain slashes
            if (layer, parameter) not in parameters:
                raise InputError(
                    Fault(
                        str(path),
                        0,
                        0,
                        f"checkpoint must hold state of the network's parameters only, got {key}",
                    )
                )
            like = parameters[layer, parameter]
            run.optimizer.state[name, layer, parameter] = array.astype(
                like.dtype, copy=False
            ).reshape(like.shape)
    run.epochs_done, run.steps_done, run.losses = (
        meta["epochs"],
        meta["steps"],
        list(meta["losses"]),
    )
    run.optimizer.steps = meta["updates"]
    record: dict[str, Any] = meta["record"]
    return record


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and meta data of the file. Raises InputError if it is not a checkpoint."""
    try:
        with (
            path.open("rb") as stream,
            np.load(stream, allow_pickle=False) as file,
        ):  # opened here, because numpy does not close a file that is not an archive
            arrays = {key: file[key] for key in file.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        schema = meta["schema"]
        missing = [key for key in _META if key not in meta] if schema == SCHEMA else []
    except PermissionError as error:
        raise InputError(
            Fault(str(path), 0, 0, f"checkpoint must be readable, got {error.strerror}")
        ) from None
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        EOFError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ):
        raise InputError(
            Fault(
                str(path),
                0,
                0,
                "checkpoint must be one that accelsim wrote, got a file that cannot be read",
            )
        ) from None
    if schema != SCHEMA:
        raise InputError(Fault(str(path), 0, 0, f"schema must be {SCHEMA}, got {schema}"))
    if missing:
        raise InputError(Fault(str(path), 0, 0, f"checkpoint must hold {', '.join(missing)}"))
    return arrays, meta


def _arrays(run: Trainer) -> dict[str, NDArray[Any]]:
    """Parameters and running moments of the run, by key."""
    parameters = {
        f"parameter/{layer}/{name}": array
        for (layer, name), array in run.model.parameters().items()
    }
    return parameters | {
        f"moment/{layer}/{name}": array
        for (layer, name), array in run.model.running_moments().items()
    }


def _put(path: Path, into: Mapping[str, NDArray[Any]], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Copy ``arrays`` into the arrays ``into``. Raises InputError for a missing key or another
    shape.
    """
    for key, target in into.items():
        if key not in arrays or arrays[key].shape != target.shape:
            raise InputError(
                Fault(str(path), 0, 0, f"checkpoint must hold {key} of shape {target.shape}")
            )
        target[...] = arrays[key]
