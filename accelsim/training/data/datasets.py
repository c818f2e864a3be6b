"""Training data: the data set in a directory, recognized by its files, or scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError
from accelsim.training.data.image_files import Images, fault, find_images
from accelsim.training.data.text_files import (
    BYTES,
    TextDataset,
    find_text,
    load_bytes,
    load_text,
)
from accelsim.workload.network import Network, Shape

DIGITS_TRAINING_SHARE = 0.8
DIGITS_WHITE = 16
"""Largest level of scikit-learn's digits."""

ARCHIVES = (
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "cifar-100-binary",
    "cifar-100-python",
    "wikitext-2",
)
"""Folders that the data sets' archives contain."""

IMAGE_FORMATS = "CIFAR's binary or python files, or MNIST's IDX files"

_HELD_OUT_STREAM = 0x4E1D
_BLOCK = 1024
"""Images counted at a time. numpy converts them to integers of eight times the size
to count them.
"""


@dataclass(frozen=True)
class Dataset:
    """A data set of images: images uint8 (N, H, W, C) and labels int64 (N,).

    ``offset`` and ``scale``, each (C,): a network reads (level - offset) / scale. Photographs are
    standardized by the mean and deviation of the training images. Drawings have offset 0 and the
    level of white as scale, so that their background is zero.

    ``photographs``: true if crops and mirror images keep their meaning.
    """

    name: str
    classes: int
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    offset: NDArray[np.float32]
    scale: NDArray[np.float32]
    held_out_images: NDArray[np.uint8]
    held_out_labels: NDArray[np.int64]
    photographs: bool = True

    def inputs(self, images: NDArray[np.uint8], shape: Shape) -> NDArray[np.float32]:
        """Images as float32 (N, H, W, C) in a network's input shape: shifted and scaled, then
        fitted as in `fit_images`.
        """
        samples, height, width, channels = images.shape
        # Rows of interleaved pixels and channels, because numpy is slow along an axis of length 3.
        rows = images.reshape(samples, height, width * channels)
        scaled = np.subtract(rows, np.tile(self.offset, width), dtype=np.float32)
        scaled /= np.tile(self.scale, width)
        return fit_images(scaled.reshape(images.shape), shape)


def load_dataset(
    directory: Path | None, network: Network, held_out: float = 0.0
) -> Dataset | TextDataset:
    """The data set in ``directory``, recognized by its files; without a directory, the digits.

    ``held_out``: fraction of the training set that is excluded from training. Raises InputError if
    the data cannot be read or do not suit the network.
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
        folder = _folder(directory, find_text)
        if not find_text(folder):
            raise fault(
                directory,
                f"{network.name} reads text: data directory must hold WikiText-2's wiki.*.tokens, "
                f"got {_contents(directory)}",
            )
        if network.tokens and network.vocabulary == BYTES:
            return load_bytes(folder, held_out)
        return load_text(folder, network.vocabulary, held_out)
    folder = _folder(directory, find_images)
    if find_images(folder) is None:
        raise fault(
            directory,
            f"{network.name} reads images: data directory must hold {IMAGE_FORMATS}, got "
            f"{_contents(directory)}",
        )
    return _checked(load_images(folder, held_out), network)


def _folder(directory: Path, find: Callable[[Path], object]) -> Path:
    """``directory``, or the first known archive folder inside it in which ``find`` finds files.
    Raises InputError if it cannot be read.
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
    """Name of the data set in a folder, for messages."""
    images = find_images(_folder(directory, find_images))
    if images is not None:
        return images.name
    return "WikiText's tokens" if find_text(_folder(directory, find_text)) else "none"


def _checked(dataset: Dataset, network: Network) -> Dataset:
    """The data set. Raises InputError if the network has too few outputs or an unsuitable input
    shape.
    """
    outputs = prod(network.output.out_shape)
    if outputs < dataset.classes:
        raise InputError(
            f"{network.name}: outputs must be >= {dataset.classes}, the classes of {dataset.name}, "
            f"got {outputs}"
        )
    fit_images(np.zeros((1, *dataset.images.shape[1:]), np.float32), network.input_shape)
    return dataset


def load_images(directory: Path, held_out: float = 0.0) -> Dataset:
    """CIFAR-10 or -100, MNIST or Fashion-MNIST from a folder.

    Raises InputError if it contains none of them, or a broken file.
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
    return _dataset(files.name, files.classes, training, test, held_out, files.white)


def load_digits(held_out: float = 0.0) -> Dataset:
    """The 1,797 digits of 8 x 8 pixels from scikit-learn. The last fifth is the test set.

    Raises InputError if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError:
        raise InputError(
            "training without --data needs the digits of scikit-learn: pip install scikit-learn"
        ) from None
    digits = sklearn_digits()
    images = np.asarray(digits.images)[..., None].astype(np.uint8)
    labels = np.asarray(digits.target).astype(np.int64)
    split = int(len(images) * DIGITS_TRAINING_SHARE)
    return _dataset(
        "digits",
        10,
        (images[:split], labels[:split]),
        (images[split:], labels[split:]),
        held_out,
        DIGITS_WHITE,
    )


def _dataset(
    name: str, classes: int, training: Images, test: Images, held_out: float, white: int
) -> Dataset:
    """A data set from its training and test images, with a held-out part. ``white`` as in
    `ImageFiles`.
    """
    images, labels = training
    held_out_count = int(len(images) * held_out)
    away_images, away_labels = images[:0], labels[:0]
    if held_out_count:
        order = np.random.default_rng(_HELD_OUT_STREAM).permutation(len(images))
        away, stay = np.sort(order[:held_out_count]), np.sort(order[held_out_count:])
        away_images, away_labels, images, labels = (
            images[away],
            labels[away],
            images[stay],
            labels[stay],
        )
    channels = images.shape[-1]
    offset, scale = (
        (np.zeros(channels), np.full(channels, float(white))) if white else _moments(images)
    )
    return Dataset(
        name,
        classes,
        images,
        labels,
        *test,
        offset.astype(np.float32),
        scale.astype(np.float32),
        away_images,
        away_labels,
        photographs=not white,
    )


def _moments(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each channel, (C,); a deviation is at least 1 level."""
    # From counts of the 256 levels: the sums are exact, so their order has no effect.
    levels = np.arange(256.0)
    counts = _level_counts(images)
    mean = np.array([(count * levels).sum() / count.sum() for count in counts])
    square = np.array([(count * levels**2).sum() / count.sum() for count in counts])
    return mean, np.sqrt(np.maximum(square - mean**2, 1.0))


def _level_counts(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number of occurrences of each level in each channel, (C, 256)."""
    counts = np.zeros((images.shape[-1], 256), np.int64)
    for first in range(0, len(images), _BLOCK):
        for channel in range(len(counts)):
            counts[channel] += np.bincount(
                images[first : first + _BLOCK, ..., channel].reshape(-1), minlength=256
            )
    return counts


def fit_images(images: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    """Images (N, h, w, c) fitted to a network's input shape (H, W, C).

    Images are enlarged by the largest integer factor that fits (nearest neighbour), or shrunk by
    nearest neighbour if they are too large, and centred on zeros. One channel is repeated as often
    as needed; three channels are averaged to one. A vector (1, 1, H*W*C) receives a square map of
    one or three channels. Raises InputError for other shapes.
    """
    if shape[:2] == (1, 1):
        square = _vector_as_map(shape[2])
        return np.ascontiguousarray(fit_images(images, square)).reshape(len(images), 1, 1, -1)
    images = _fit_channels(images, shape[2])
    for axis in (1, 2):
        images = _fit_axis(images, axis, shape[axis - 1])
    return np.ascontiguousarray(images)


def _vector_as_map(length: int) -> Shape:
    """Square map shape with 1 or 3 channels and ``length`` elements. Raises InputError if there is
    none.
    """
    for channels in (1, 3):
        side = isqrt(length // channels)
        if side > 1 and side * side * channels == length:
            return (side, side, channels)
    raise InputError(
        f"network input must be a map, or a vector of as many entries as a square map of 1 or 3 "
        f"channels, got {length} entries"
    )


def _fit_channels(images: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """Images with the given number of channels."""
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
    """Images with ``extent`` pixels along an axis."""
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
