"""Training data: what a directory holds, told by its files, or scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.training.data.image_files import Images, fault, find_images
from accelsim.training.data.text_files import TextDataset, find_text, load_text
from accelsim.workload.network import Network, Shape

DIGITS_TRAINING_SHARE = 0.8

ARCHIVES = (
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "cifar-100-binary",
    "cifar-100-python",
    "wikitext-2",
)
"""Folders that the data sets' archives unpack to."""

IMAGE_FORMATS = "CIFAR's binary or python files, or MNIST's IDX files"

_HELD_OUT_STREAM = 0x4E1D
_BLOCK = 1024
"""Images counted at a time: numpy widens what it counts eightfold."""


@dataclass(frozen=True)
class Dataset:
    """Images as uint8 (N, H, W, C) and labels int64 (N,); ``mean`` and ``deviation`` of the
    training images, a channel.

    ``photographs``: whether crops and mirror images of them still show the same.
    """

    name: str
    classes: int
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    held_out_images: NDArray[np.uint8]
    held_out_labels: NDArray[np.int64]
    photographs: bool = True

    def standardized(self, images: NDArray[np.uint8], shape: Shape) -> NDArray[np.float32]:
        """Images as float32 (N, H, W, C) of a network's input shape: zero mean and unit deviation,
        then fitted.
        """
        samples, height, width, channels = images.shape
        # Rows of pixels, their channels in turn: numpy is slow along an axis of three.
        rows = images.reshape(samples, height, width * channels)
        standardized = np.subtract(rows, np.tile(self.mean, width), dtype=np.float32)
        standardized /= np.tile(self.deviation, width)
        return fit_images(standardized.reshape(images.shape), shape)


def load_dataset(
    directory: Path | None, network: Network, held_out: float = 0.0
) -> Dataset | TextDataset:
    """The data set in ``directory``, told by its files, or the digits without one.

    ``held_out``: fraction of the training set kept away from training. InputError when it cannot be
    read or cannot feed the network.
    """
    if not 0 <= held_out < 1:
        raise InputError(f"held-out must be a fraction from 0, below 1, got {held_out:g}")
    if directory is None:
        if network.vocabulary:
            raise InputError(
                f"{network.name} reads text: --data must be a folder with WikiText-2's "
                f"wiki.*.tokens, got none"
            )
        return _checked(load_digits(held_out), network)
    if network.vocabulary:
        found = _folder(directory, find_text)
        if not find_text(found):
            raise fault(
                directory,
                f"{network.name} reads text: data directory must hold WikiText-2's wiki.*.tokens, "
                f"got {_contents(directory)}",
            )
        return load_text(found, network.vocabulary, held_out)
    found = _folder(directory, find_images)
    if find_images(found) is None:
        raise fault(
            directory,
            f"{network.name} reads images: data directory must hold {IMAGE_FORMATS}, got "
            f"{_contents(directory)}",
        )
    return _checked(load_images(found, held_out), network)


def _folder(directory: Path, find: Callable[[Path], object]) -> Path:
    """The folder itself, or the one inside it that the usual archives unpack to: the first where
    ``find`` finds something.
    """
    try:
        if not directory.exists():
            raise fault(directory, "data directory does not exist")
        if not directory.is_dir():
            raise fault(directory, "data must be a directory, got a file")
        next(directory.iterdir(), None)
        candidates = (directory, *(directory / name for name in ARCHIVES))
        return next((each for each in candidates if find(each)), directory)
    except OSError as error:
        raise fault(directory, f"data directory must be readable, got {error.strerror}") from None


def _contents(directory: Path) -> str:
    """What a folder holds, for a message."""
    images = find_images(_folder(directory, find_images))
    if images is not None:
        return images.name
    return "WikiText's tokens" if find_text(_folder(directory, find_text)) else "none"


def _checked(dataset: Dataset, network: Network) -> Dataset:
    outputs = prod(network.output.out_shape)
    if outputs < dataset.classes:
        raise InputError(
            f"{network.name}: outputs must be >= {dataset.classes}, the classes of {dataset.name}, "
            f"got {outputs}"
        )
    fit_images(np.zeros((1, *dataset.images.shape[1:]), np.float32), network.input_shape)
    return dataset


def load_images(directory: Path, held_out: float = 0.0) -> Dataset:
    """CIFAR-10 or -100, MNIST or Fashion-MNIST from a folder. InputError when it holds none of
    them, or a broken file.
    """
    files = find_images(_folder(directory, find_images))
    if files is None:
        raise fault(
            directory, f"data directory must hold {IMAGE_FORMATS}, got {_contents(directory)}"
        )
    training, test = files.training(), files.test()
    if training[0].shape[1:] != test[0].shape[1:]:
        extents = [" x ".join(map(str, images.shape[1:3])) for images, _ in (training, test)]
        raise fault(
            directory,
            f"test images must be as large as the training images, {extents[0]}, got {extents[1]}",
        )
    return _dataset(files.name, files.classes, training, test, held_out, files.photographs)


def load_digits(held_out: float = 0.0) -> Dataset:
    """The 1,797 digits of 8 x 8 pixels that scikit-learn carries; the last fifth is for testing."""
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError:
        raise InputError(
            "without --data, scikit-learn must be installed for its digits (pip install "
            "accelsim[digits])"
        ) from None
    digits = sklearn_digits()
    images = (np.asarray(digits.images)[..., None] * 15.9375).astype(np.uint8)
    labels = np.asarray(digits.target).astype(np.int64)
    split = int(len(images) * DIGITS_TRAINING_SHARE)
    return _dataset(
        "digits",
        10,
        (images[:split], labels[:split]),
        (images[split:], labels[split:]),
        held_out,
        photographs=False,
    )


def _dataset(
    name: str, classes: int, training: Images, test: Images, held_out: float, photographs: bool
) -> Dataset:
    images, labels = training
    kept_away = int(len(images) * held_out)
    away_images, away_labels = images[:0], labels[:0]
    if kept_away:
        order = np.random.default_rng(_HELD_OUT_STREAM).permutation(len(images))
        away, stay = np.sort(order[:kept_away]), np.sort(order[kept_away:])
        away_images, away_labels, images, labels = (
            images[away],
            labels[away],
            images[stay],
            labels[stay],
        )
    # Exact sums, whatever the order: counts of the 256 levels.
    levels = np.arange(256.0)
    counts = _level_counts(images)
    mean = np.array([(count * levels).sum() / count.sum() for count in counts])
    square = np.array([(count * levels**2).sum() / count.sum() for count in counts])
    deviation = np.sqrt(np.maximum(square - mean**2, 1.0))
    return Dataset(
        name,
        classes,
        images,
        labels,
        *test,
        mean.astype(np.float32),
        deviation.astype(np.float32),
        away_images,
        away_labels,
        photographs,
    )


def _level_counts(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs in each channel, (C, 256)."""
    counts = np.zeros((images.shape[-1], 256), np.int64)
    for first in range(0, len(images), _BLOCK):
        for channel in range(len(counts)):
            counts[channel] += np.bincount(
                images[first : first + _BLOCK, ..., channel].reshape(-1), minlength=256
            )
    return counts


def fit_images(images: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    """Images (N, h, w, c) fitted to a network's input shape (H, W, C).

    Enlarged by the largest whole factor that fits (nearest neighbour; shrunk by nearest neighbour
    where larger), centred on zeros. One channel feeds any number; three feed one by their mean. A
    vector (1, 1, H*W*C) takes a square map of one or three channels. InputError for other shapes.
    """
    if shape[:2] == (1, 1):
        square = _vector_as_map(shape[2])
        return np.ascontiguousarray(fit_images(images, square)).reshape(len(images), 1, 1, -1)
    images = _fit_channels(images, shape[2])
    for axis in (1, 2):
        images = _fit_axis(images, axis, shape[axis - 1])
    return np.ascontiguousarray(images)


def _vector_as_map(length: int) -> Shape:
    for channels in (1, 3):
        side = isqrt(length // channels)
        if side > 1 and side * side * channels == length:
            return (side, side, channels)
    raise InputError(
        f"network input must be a map, or a vector of as many entries as a square map of 1 or 3 "
        f"channels, got {length} entries"
    )


def _fit_channels(images: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    have = images.shape[3]
    if have == channels:
        return images
    if have == 1:
        return np.repeat(images, channels, axis=3)
    if channels == 1:
        mean: NDArray[np.float32] = images.mean(axis=3, keepdims=True)
        return mean
    raise InputError(
        f"network input must have 1 or {have} channels for these images, got {channels}"
    )


def _fit_axis(images: NDArray[np.float32], axis: int, extent: int) -> NDArray[np.float32]:
    have = images.shape[axis]
    if have == extent:
        return images
    if have > extent:
        return np.asarray(images.take((np.arange(extent) * have) // extent, axis=axis))
    if extent >= 2 * have:
        images = images.repeat(extent // have, axis=axis)
    spare = extent - images.shape[axis]
    padding = [(0, 0)] * 4
    padding[axis] = (spare // 2, spare - spare // 2)
    return np.pad(images, padding) if spare else images
