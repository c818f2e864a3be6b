"""Data sets: CIFAR-10's binary files, digits, and how images are fitted to a network."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.reference.datasets import fit_images, load_cifar10, load_dataset, load_digits
from tests.reference_networks import Builder


def write_records(path, labels, seed=0):
    """A CIFAR-10 file; returns its images, channels last."""
    planes = np.random.default_rng(seed).integers(0, 256, (len(labels), 3, 32, 32), dtype=np.uint8)
    records = np.concatenate([np.array(labels, np.uint8)[:, None], planes.reshape(len(labels), -1)], axis=1)
    path.write_bytes(records.tobytes())
    return planes.transpose(0, 2, 3, 1)


@pytest.fixture
def cifar(tmp_path):
    write_records(tmp_path / "data_batch_1.bin", [0, 9, 3], 1)
    write_records(tmp_path / "data_batch_2.bin", [5], 2)
    write_records(tmp_path / "test_batch.bin", [7, 7], 3)
    return tmp_path


def test_cifar_files_are_read_in_order(cifar):
    first = write_records(cifar / "data_batch_1.bin", [0, 9, 3], 1)
    dataset = load_cifar10(cifar)
    assert dataset.labels.tolist() == [0, 9, 3, 5]
    assert np.array_equal(dataset.images[:3], first)
    assert dataset.test_labels.tolist() == [7, 7]
    assert dataset.mean == pytest.approx(dataset.images.mean(axis=(0, 1, 2)))
    assert dataset.deviation == pytest.approx(dataset.images.std(axis=(0, 1, 2)))
    standard = dataset.standardized(dataset.images, (32, 32, 3))
    assert standard.mean(axis=(0, 1, 2)) == pytest.approx(np.zeros(3), abs=1e-5)
    assert standard.std(axis=(0, 1, 2)) == pytest.approx(np.ones(3), rel=1e-5)


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


def test_a_directory_that_cannot_be_read_is_refused(cifar):
    assert refusal(load_cifar10, cifar / "none") == f"{cifar / 'none'}: data directory does not exist"
    (cifar / "empty").mkdir()
    assert refusal(load_cifar10, cifar / "empty") == f"{cifar / 'empty'}: data directory must hold CIFAR-10's binary files data_batch_*.bin, got none"
    (cifar / "test_batch.bin").unlink()
    assert refusal(load_cifar10, cifar) == f"{cifar / 'test_batch.bin'}: file must be readable, got No such file or directory"


@pytest.mark.parametrize("size", [0, 3072, 3074])
def test_a_truncated_file_is_refused(cifar, size):
    path = cifar / "data_batch_2.bin"
    path.write_bytes(bytes(size))
    assert refusal(load_cifar10, cifar) == f"{path}: size must be a positive multiple of 3073 bytes, got {size}"


def test_a_label_outside_the_classes_is_refused(cifar):
    path = cifar / "data_batch_2.bin"
    write_records(path, [3, 10])
    assert refusal(load_cifar10, cifar) == f"{path}: labels must be <= 9, got 10"


def test_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    dataset = load_digits()
    assert dataset.images.shape == (1437, 8, 8, 1)
    assert dataset.test_images.shape == (360, 8, 8, 1)
    assert dataset.images.max() == 255
    network = Builder("small", (12, 12, 1)).add("fc", 4).network()
    assert refusal(load_dataset, None, network) == "small: outputs must be >= 10, the classes of digits, got 4"


def test_images_are_enlarged_by_whole_factors_and_centred():
    images = np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2, 1)
    fitted = fit_images(images, (5, 4, 2))
    assert fitted.shape == (1, 5, 4, 2)
    assert fitted[0, :, :, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4], [0, 0, 0, 0]]
    assert np.array_equal(fitted[..., 0], fitted[..., 1])
    assert fit_images(images, (1, 3, 1)).reshape(-1).tolist() == [1, 2, 0]


def test_vectors_take_square_maps():
    images = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    assert fit_images(images, (1, 1, 12)).reshape(-1).tolist() == list(range(12))
    assert fit_images(images, (1, 1, 4)).reshape(-1).tolist() == [1, 4, 7, 10]
    assert refusal(fit_images, images, (1, 1, 5)) == (
        "network input must be a map, or a vector of as many entries as a square map of 1 or 3 channels, got 5 entries"
    )
    assert refusal(fit_images, images, (1, 1, 1)).endswith("got 1 entries")
    assert refusal(fit_images, images, (2, 2, 4)) == "network input must have 1 or 3 channels for these images, got 4"


@pytest.mark.data
def test_real_cifar10(data_dir):
    dataset = load_cifar10(data_dir / "cifar10")
    assert dataset.images.shape[1:] == (32, 32, 3)
    assert sorted(set(dataset.labels.tolist())) == list(range(10))
