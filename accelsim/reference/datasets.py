"""Training data: CIFAR-10 in its binary format from a directory, scikit-learn's digits otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt, prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.network import Network, Shape

CIFAR_RECORD_BYTES = 1 + 3 * 32 * 32
DIGITS_TRAINING_SHARE = 0.8


@dataclass(frozen=True)
class Dataset:
    """Images as uint8 (N, H, W, C) and labels int64 (N,); ``mean`` and ``deviation`` of the training images, a channel."""

    name: str
    classes: int
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    def standardized(self, images: NDArray[np.uint8], shape: Shape) -> NDArray[np.float32]:
        """Images as float32 (N, H, W, C) of a network's input shape: zero mean and unit deviation, then fitted."""
        return fit_images((images - self.mean) / self.deviation, shape)


def load_dataset(directory: Path | None, network: Network) -> Dataset:
    """CIFAR-10 from ``directory``, digits when that is None. InputError when it cannot be read or cannot feed the network."""
    dataset = load_cifar10(directory) if directory is not None else load_digits()
    outputs = prod(network.output.out_shape)
    if outputs < dataset.classes:
        raise InputError(f"{network.name}: outputs must be >= {dataset.classes}, the classes of {dataset.name}, got {outputs}")
    fit_images(np.zeros((1, *dataset.images.shape[1:]), np.float32), network.input_shape)
    return dataset


def load_cifar10(directory: Path) -> Dataset:
    """CIFAR-10's binary files: ``data_batch_*.bin`` (however many there are) and ``test_batch.bin``."""
    if not directory.is_dir():
        raise InputError(Fault(str(directory), 0, 0, "data directory does not exist"))
    batches = sorted(directory.glob("data_batch_*.bin"))
    if not batches:
        raise InputError(Fault(str(directory), 0, 0, "data directory must hold CIFAR-10's binary files data_batch_*.bin, got none"))
    parts = [_cifar_file(path) for path in batches]
    test_images, test_labels = _cifar_file(directory / "test_batch.bin")
    images = np.concatenate([images for images, _ in parts])
    return _dataset("cifar10", images, np.concatenate([labels for _, labels in parts]), test_images, test_labels)


def _cifar_file(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 32, 32, 3) and labels of one file: a record is a label byte, then the red, green and blue planes."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(Fault(str(path), 0, 0, f"file must be readable, got {error.strerror}")) from None
    if not data.size or data.size % CIFAR_RECORD_BYTES:
        raise InputError(Fault(str(path), 0, 0, f"size must be a positive multiple of {CIFAR_RECORD_BYTES} bytes, got {data.size}"))
    records = data.reshape(-1, CIFAR_RECORD_BYTES)
    if records[:, 0].max() > 9:
        raise InputError(Fault(str(path), 0, 0, f"labels must be <= 9, got {records[:, 0].max()}"))
    images = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return images, records[:, 0].astype(np.int64)


def load_digits() -> Dataset:
    """The 1,797 digits of 8 x 8 pixels that scikit-learn carries; the last fifth is for testing."""
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError:
        raise InputError("without --data, scikit-learn must be installed for its digits (pip install accelsim[digits])") from None
    digits = sklearn_digits()
    images = (np.asarray(digits.images)[..., None] * 15.9375).astype(np.uint8)
    labels = np.asarray(digits.target).astype(np.int64)
    split = int(len(images) * DIGITS_TRAINING_SHARE)
    return _dataset("digits", images[:split], labels[:split], images[split:], labels[split:])


def _dataset(
    name: str, images: NDArray[np.uint8], labels: NDArray[np.int64], test_images: NDArray[np.uint8], test_labels: NDArray[np.int64]
) -> Dataset:
    # Exact sums, whatever the order: counts of the 256 levels.
    levels = np.arange(256.0)
    counts = [np.bincount(images[..., c].reshape(-1), minlength=256) for c in range(images.shape[-1])]
    mean = np.array([(count * levels).sum() / count.sum() for count in counts])
    square = np.array([(count * levels**2).sum() / count.sum() for count in counts])
    deviation = np.sqrt(np.maximum(square - mean**2, 1.0))
    return Dataset(name, 10, images, labels, test_images, test_labels, mean.astype(np.float32), deviation.astype(np.float32))


def fit_images(images: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    """Images (N, h, w, c) fitted to a network's input shape (H, W, C).

    Enlarged by the largest whole factor that fits (nearest neighbour; shrunk by nearest neighbour where larger), centred on
    zeros. One channel feeds any number; three feed one by their mean. A vector (1, 1, H*W*C) takes a square map of one or three
    channels. InputError for other shapes.
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
    raise InputError(f"network input must be a map, or a vector of as many entries as a square map of 1 or 3 channels, got {length} entries")


def _fit_channels(images: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    have = images.shape[3]
    if have == channels:
        return images
    if have == 1:
        return np.repeat(images, channels, axis=3)
    if channels == 1:
        mean: NDArray[np.float32] = images.mean(axis=3, keepdims=True)
        return mean
    raise InputError(f"network input must have 1 or {have} channels for these images, got {channels}")


def _fit_axis(images: NDArray[np.float32], axis: int, extent: int) -> NDArray[np.float32]:
    have = images.shape[axis]
    if have > extent:
        return np.asarray(images.take((np.arange(extent) * have) // extent, axis=axis))
    images = images.repeat(extent // have, axis=axis)
    spare = extent - images.shape[axis]
    padding = [(0, 0)] * 4
    padding[axis] = (spare // 2, spare - spare // 2)
    return np.pad(images, padding)
