"""Readers of image data sets in their published files: CIFAR-10 and -100, binary or python, and
MNIST's IDX, plain or gzipped.

Every reader returns images uint8 (N, H, W, C) and labels int64 (N,), or raises InputError with one
line about a broken file.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.training.data.pickled_arrays import load_arrays

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""(images (N, H, W, C), labels (N,))."""

CIFAR_PIXELS = 3 * 32 * 32
IDX_IMAGES, IDX_LABELS = 0x803, 0x801
"""Magic numbers of IDX files of unsigned bytes, with three axes and with one axis."""


@dataclass(frozen=True)
class ImageFiles:
    """Files of a data set in a folder. ``training`` and ``test`` read them when called.

    ``white``: for drawings on a black background, the level by which pixels are divided; 0 for
    photographs, which are standardized.
    """

    name: str
    classes: int
    training: Callable[[], Images]
    test: Callable[[], Images]
    white: int = 0


def find_images(directory: Path) -> ImageFiles | None:
    """The image data set in the folder, or None. MNIST and Fashion-MNIST have the same file names;
    the folder's name distinguishes them.
    """
    for finder in (_cifar10_binary, _cifar10_python, _cifar100_binary, _cifar100_python, _idx):
        files = finder(directory)
        if files is not None:
            return files
    return None


def fault(path: Path, rule: str) -> InputError:
    """InputError with one line about a file."""
    return InputError(Fault(str(path), 0, 0, rule))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise fault(path, f"file must be readable, got {error.strerror}") from None


def _joined(parts: list[Images]) -> Images:
    return np.concatenate([images for images, _ in parts]), np.concatenate(
        [labels for _, labels in parts]
    )


# CIFAR


def _cifar10_binary(directory: Path) -> ImageFiles | None:
    batches = sorted(directory.glob("data_batch_*.bin"))
    if not batches:
        return None
    return ImageFiles(
        "cifar10",
        10,
        lambda: _joined([cifar_binary(path, 1, 10) for path in batches]),
        lambda: cifar_binary(directory / "test_batch.bin", 1, 10),
    )


def _cifar100_binary(directory: Path) -> ImageFiles | None:
    if not (directory / "train.bin").exists():
        return None
    return ImageFiles(
        "cifar100",
        100,
        lambda: cifar_binary(directory / "train.bin", 2, 100),
        lambda: cifar_binary(directory / "test.bin", 2, 100),
    )


def _cifar10_python(directory: Path) -> ImageFiles | None:
    batches = sorted(path for path in directory.glob("data_batch_*") if not path.suffix)
    if not batches:
        return None
    return ImageFiles(
        "cifar10", 10, lambda: _joined([cifar_python(path, "labels", 10) for path in batches]),
        lambda: cifar_python(directory / "test_batch", "labels", 10),
    )  # fmt: skip


def _cifar100_python(directory: Path) -> ImageFiles | None:
    if not (directory / "train").is_file():
        return None
    return ImageFiles(
        "cifar100",
        100,
        lambda: cifar_python(directory / "train", "fine_labels", 100),
        lambda: cifar_python(directory / "test", "fine_labels", 100),
    )


def cifar_binary(path: Path, label_bytes: int, classes: int) -> Images:
    """Images and labels of a binary CIFAR file. A record is one or two label bytes (coarse, fine),
    then the red, green and blue planes of 32 x 32 bytes.

    Raises InputError for a wrong size or label.
    """
    data = np.frombuffer(_read(path), np.uint8)
    record = label_bytes + CIFAR_PIXELS
    if not data.size or data.size % record:
        raise fault(path, f"size must be a positive multiple of {record} bytes, got {data.size}")
    rows = data.reshape(-1, record)
    return _planes(rows[:, label_bytes:]), _labels(
        path, rows[:, label_bytes - 1], classes, len(rows)
    )


def _planes(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (N, 32, 32, 3) from records of three planes, (N, 3072)."""
    return np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _labels(path: Path, labels: Any, classes: int, images: int) -> NDArray[np.int64]:
    """Labels as int64 (images,). Raises InputError unless each is one of the classes."""
    try:
        numbers = np.asarray(labels)
    except (ValueError, OverflowError) as error:
        raise fault(path, f"labels must be whole numbers, got {error}") from None
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise fault(
            path,
            f"labels must be a list of whole numbers, got {numbers.ndim} axes of "
            f"{numbers.dtype.name}",
        )
    if len(numbers) != images:
        raise fault(path, f"labels must be as many as the {images} images, got {len(numbers)}")
    wrong = numbers[(numbers < 0) | (numbers >= classes)]
    if wrong.size:
        raise fault(path, f"labels must be between 0 and {classes - 1}, got {wrong[0]}")
    return numbers.astype(np.int64)


def cifar_python(path: Path, key: str, classes: int) -> Images:
    """Images and labels of a pickled CIFAR file: a dict with ``data`` (N, 3072) and labels under
    ``key``.

    Raises InputError for any other content.
    """
    try:
        content = load_arrays(_read(path))
    except ValueError as error:
        raise fault(path, f"file must be a whole pickle of a dict of arrays, got {error}") from None
    missing = next((name for name in ("data", key) if name not in content), None)
    if missing is not None:
        raise fault(path, f"file must be a dict with data and {key}, got none named {missing}")
    data = content["data"]
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != CIFAR_PIXELS
        or not len(data)
    ):
        kind = (
            f"{data.dtype.name} of {data.shape}"
            if isinstance(data, np.ndarray)
            else type(data).__name__
        )
        raise fault(path, f"data must be uint8 of (N, {CIFAR_PIXELS}), got {kind}")
    return _planes(data), _labels(path, content[key], classes, len(data))


# IDX

_IDX_PARTS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx(directory: Path) -> ImageFiles | None:
    files = [
        next(
            (path for path in (directory / name, directory / f"{name}.gz") if path.exists()),
            directory / name,
        )
        for name in _IDX_PARTS
    ]
    if not files[0].exists():
        return None
    name = "fashion-mnist" if "fashion" in directory.resolve().name.lower() else "mnist"
    return ImageFiles(
        name,
        10,
        lambda: idx_pair(files[0], files[1]),
        lambda: idx_pair(files[2], files[3]),
        white=255,
    )


def idx_pair(images: Path, labels: Path) -> Images:
    """Images (N, H, W, 1) and labels (N,) from two IDX files."""
    pixels, answers = idx(images, IDX_IMAGES, 3), idx(labels, IDX_LABELS, 1)
    return pixels[..., None], _labels(labels, answers, 10, len(pixels))


def idx(path: Path, magic: int, axes: int) -> NDArray[np.uint8]:
    """Content of an IDX file of unsigned bytes: a big-endian magic number, the extent of each axis,
    then the elements.

    Raises InputError if the file has another magic number or size.
    """
    data = _read(path)
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise fault(path, f"file must be a whole gzip file, got {error}") from None
    head = 4 + 4 * axes
    if len(data) < head or int.from_bytes(data[:4], "big") != magic:
        raise fault(
            path,
            f"file must start with IDX's number {magic:#010x}, got {data[:4].hex() or 'nothing'}",
        )
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, head, 4))
    if not prod(shape):
        raise fault(path, f"every axis must be >= 1, got {' x '.join(map(str, shape))}")
    if len(data) - head != prod(shape):
        raise fault(path, f"file must hold {prod(shape)} elements, got {len(data) - head}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)
