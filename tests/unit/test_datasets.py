"""Data sets: every format from small files written here, what is refused and in which words,
held-out parts, and how images are fitted.
"""

from __future__ import annotations

import gzip
import os
import pickle

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.training.data.datasets import (
    Dataset,
    fit_images,
    load_dataset,
    load_digits,
    load_images,
)
from accelsim.training.data.text_files import TextDataset
from tests.reference_networks import Builder

PICTURES = Builder("pictures", (32, 32, 3)).add("fc", 100).network()
WORDS = Builder("words", words=4).add("embedding", 2).add("rnn", 3).add("fc", 4).network()


def pixels(images, seed=0):
    """Planes of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (images, 3, 32, 32), dtype=np.uint8)


def write_records(path, labels, seed=0, coarse=False):
    """A CIFAR-10 file, or CIFAR-100's with a coarse label of 19 before each; returns its images,
    channels last.
    """
    planes = pixels(len(labels), seed)
    columns = [np.full((len(labels), 1), 19, np.uint8)] if coarse else []
    records = np.concatenate(
        [*columns, np.array(labels, np.uint8)[:, None], planes.reshape(len(labels), -1)], axis=1
    )
    path.write_bytes(records.tobytes())
    return planes.transpose(0, 2, 3, 1)


def write_pickle(path, labels):
    """A CIFAR-100 python file."""
    content = {
        b"data": pixels(len(labels)).reshape(len(labels), -1),
        b"fine_labels": labels,
        b"coarse_labels": [19] * len(labels),
    }
    path.write_bytes(pickle.dumps(content, 2))


def write_idx(path, array, magic=None):
    """An IDX file, gzipped when its name says so."""
    head = (0x800 + array.ndim if magic is None else magic).to_bytes(4, "big") + b"".join(
        n.to_bytes(4, "big") for n in array.shape
    )
    data = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def refusal(function, *arguments):
    with pytest.raises(InputError) as caught:
        function(*arguments)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def cifar(tmp_path):
    write_records(tmp_path / "data_batch_1.bin", [0, 9, 3], 1)
    write_records(tmp_path / "data_batch_2.bin", [5], 2)
    write_records(tmp_path / "test_batch.bin", [7, 7], 3)
    return tmp_path


@pytest.fixture
def mnist(tmp_path):
    for part, count in (("train", 4), ("t10k", 2)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", pixels(count)[:, 0, :28, :28])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(count))
    return tmp_path


@pytest.fixture
def text(tmp_path):
    (tmp_path / "wiki.train.tokens").write_text(" \n = A = \n b c <unk> c \n", encoding="utf-8")
    (tmp_path / "wiki.test.tokens").write_text(" c d \n b\u2028é\n", encoding="utf-8")
    (tmp_path / "wiki.valid.tokens").write_text("b c\n", encoding="utf-8")
    return tmp_path


# Formats


def test_cifar_files_are_read_in_order(cifar):
    first = write_records(cifar / "data_batch_1.bin", [0, 9, 3], 1)
    dataset = load_images(cifar)
    assert (dataset.name, dataset.classes, dataset.photographs) == ("cifar10", 10, True)
    assert dataset.labels.tolist() == [0, 9, 3, 5]
    assert np.array_equal(dataset.images[:3], first)
    assert dataset.test_labels.tolist() == [7, 7]
    assert dataset.offset == pytest.approx(dataset.images.mean(axis=(0, 1, 2)))
    assert dataset.scale == pytest.approx(dataset.images.std(axis=(0, 1, 2)))
    standard = dataset.inputs(dataset.images, (32, 32, 3))
    assert standard.dtype == np.float32
    assert standard.mean(axis=(0, 1, 2)) == pytest.approx(np.zeros(3), abs=1e-5)
    assert standard.std(axis=(0, 1, 2)) == pytest.approx(np.ones(3), rel=1e-5)


def test_cifar100_takes_the_fine_label(tmp_path):
    binary, python = tmp_path / "cifar-100-binary", tmp_path / "python"
    binary.mkdir()
    python.mkdir()
    for name, labels in (("train", [99, 4]), ("test", [0])):
        write_records(binary / f"{name}.bin", labels, coarse=True)
        write_pickle(python / name, labels)
    above, within = load_dataset(tmp_path, PICTURES), load_dataset(python, PICTURES)
    for dataset in (above, within):
        assert (
            dataset.name,
            dataset.classes,
            dataset.labels.tolist(),
            dataset.test_labels.tolist(),
        ) == ("cifar100", 100, [99, 4], [0])
        assert np.array_equal(dataset.images, pixels(2).transpose(0, 2, 3, 1))


def test_idx_files_plain_and_gzipped(mnist):
    dataset = load_dataset(mnist, PICTURES)
    assert (dataset.name, dataset.classes, dataset.photographs) == ("mnist", 10, False)
    assert np.array_equal(dataset.images[..., 0], pixels(4)[:, 0, :28, :28])
    assert dataset.labels.tolist() == [0, 1, 2, 3]
    assert dataset.test_images.shape == (2, 28, 28, 1)
    # Networks read pixels / 255, so a black pixel is a zero, as is the border of a larger input.
    read = dataset.inputs(dataset.images, (32, 32, 1))
    assert read.dtype == np.float32
    assert np.array_equal(read[:, 2:30, 2:30], dataset.images / np.float32(255))
    assert not read[:, :2].any()
    fashion = mnist / "dataset-fashion-mnist"
    fashion.mkdir()
    for path in list(mnist.glob("*ubyte*")):
        path.rename(fashion / path.name)
    assert load_images(fashion).name == "fashion-mnist"


def test_text(text):
    dataset = load_dataset(text, WORDS)
    assert isinstance(dataset, TextDataset)
    assert (dataset.name, dataset.vocabulary, dataset.unknown) == ("wikitext2", 4, 0)
    # The three most frequent of <eos> 3 (the empty line has one too), = 2, c 2, A 1, b 1; ties are
    # alphabetical.
    assert dataset.words == ("<unk>", "<eos>", "=", "c")
    assert dataset.training.dtype == np.int32
    assert dataset.training.tolist() == [1, 2, 0, 2, 1, 0, 3, 0, 3, 1]
    assert dataset.test.tolist() == [3, 0, 1, 0, 0, 1]
    assert len(dataset.held_out) == 0


def test_text_without_its_training_file(text):
    (text / "wiki.train.tokens").unlink()
    folder = text / "wikitext-2"
    folder.mkdir()
    for part in ("test", "valid"):
        (text / f"wiki.{part}.tokens").rename(folder / f"wiki.{part}.tokens")
    write_records(text / "data_batch_1.bin", [1])
    dataset = load_dataset(text, WORDS)
    assert dataset.name == "wikitext2 (trained on its test file)"
    assert len(dataset.training) == 6
    assert len(dataset.test) == 3


def test_streams_and_windows():
    tokens = np.arange(23, dtype=np.int32)
    dataset = TextDataset("count", 23, tokens, tokens[:0], tokens, ())
    assert dataset.streams(tokens, 3).T.tolist() == [
        list(range(7)),
        list(range(7, 14)),
        list(range(14, 21)),
    ]
    windows = list(dataset.windows(tokens, 3, 2))
    assert [inputs.T.tolist() for inputs, _ in windows] == [
        [[t, t + 1], [t + 7, t + 8], [t + 14, t + 15]] for t in (0, 2, 4)
    ]
    for inputs, targets in windows:
        assert inputs.shape == targets.shape == (2, 3)
        assert np.array_equal(targets, inputs + 1)
    assert list(dataset.windows(tokens, 3, 7)) == []
    assert list(dataset.windows(tokens, 24, 1)) == []


def test_digits():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    dataset = load_digits()
    assert dataset.images.shape == (1437, 8, 8, 1)
    assert dataset.test_images.shape == (360, 8, 8, 1)
    assert dataset.images.max() == 16
    # The picture of a 0: its first row is 0 0 5 13 9 1 0 0 of 16 levels of ink.
    read = dataset.inputs(dataset.images[:1], (8, 8, 1))
    assert read[0, 0, :, 0].tolist() == [0, 0, 5 / 16, 13 / 16, 9 / 16, 1 / 16, 0, 0]
    network = Builder("small", (12, 12, 1)).add("fc", 4).network()
    assert (
        refusal(load_dataset, None, network)
        == "small: outputs must be >= 10, the classes of digits, got 4"
    )


# Held-out parts


def test_held_out_images_leave_the_training_set_and_its_moments(tmp_path):
    labels = list(range(10)) * 2
    images = write_records(tmp_path / "data_batch_1.bin", labels)
    write_records(tmp_path / "test_batch.bin", [1])
    dataset, again = load_dataset(tmp_path, PICTURES, 0.25), load_images(tmp_path, 0.25)
    assert isinstance(dataset, Dataset)
    assert len(dataset.held_out_labels) == 5
    assert np.array_equal(dataset.held_out_images, again.held_out_images)
    parts = [(dataset.images, dataset.labels), (dataset.held_out_images, dataset.held_out_labels)]
    found = sorted(
        (image.tobytes(), int(label)) for part in parts for image, label in zip(*part, strict=True)
    )
    assert found == sorted(
        (image.tobytes(), label) for image, label in zip(images, labels, strict=True)
    )
    assert dataset.offset == pytest.approx(dataset.images.mean(axis=(0, 1, 2)))
    assert dataset.scale == pytest.approx(dataset.images.std(axis=(0, 1, 2)))
    # A larger part holds the smaller one.
    larger = {image.tobytes() for image in load_images(tmp_path, 0.5).held_out_images}
    assert {image.tobytes() for image in dataset.held_out_images} < larger


def test_held_out_text_is_its_end_and_names_no_word(text):
    dataset = load_dataset(text, WORDS, 0.5)
    assert dataset.words == ("<unk>", "<eos>", "=", "A")
    assert dataset.training.tolist() == [1, 2, 3, 2, 1]
    assert dataset.held_out.tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_held_out_part_is_a_fraction(cifar, fraction):
    assert (
        refusal(load_dataset, cifar, PICTURES, fraction)
        == f"held-out must be a fraction from 0, below 1, got {fraction:g}"
    )


# Refusals


def test_a_network_needs_its_kind_of_data(cifar, tmp_path_factory):
    words = tmp_path_factory.mktemp("words")
    (words / "wiki.test.tokens").write_text("a\n")
    formats = "CIFAR's binary or python files, or MNIST's IDX files"
    assert (
        refusal(load_dataset, None, WORDS)
        == "words reads text: --data must be a folder with WikiText-2's wiki.*.tokens, got none"
    )
    assert (
        refusal(load_dataset, cifar, WORDS)
        == f"{cifar}: words reads text: data directory must hold WikiText-2's wiki.*.tokens, got "
        f"cifar10"
    )
    assert (
        refusal(load_dataset, words, PICTURES)
        == f"{words}: pictures reads images: data directory must hold {formats}, got WikiText's "
        f"tokens"
    )
    assert (
        refusal(load_images, words)
        == f"{words}: data directory must hold {formats}, got WikiText's tokens"
    )


def test_a_directory_that_holds_nothing_is_refused(cifar):
    assert (
        refusal(load_images, cifar / "none") == f"{cifar / 'none'}: data directory does not exist"
    )
    (cifar / "empty").mkdir()
    assert (
        refusal(load_images, cifar / "empty")
        == f"{cifar / 'empty'}: data directory must hold CIFAR's binary or python files, or "
        f"MNIST's IDX files, got none"
    )
    assert (
        refusal(load_images, cifar / "test_batch.bin")
        == f"{cifar / 'test_batch.bin'}: data must be a directory, got a file"
    )
    long = cifar / ("n" * 300)
    assert (
        refusal(load_dataset, long, PICTURES)
        == f"{long}: data directory must be readable, got File name too long"
    )
    (cifar / "test_batch.bin").unlink()
    assert (
        refusal(load_images, cifar)
        == f"{cifar / 'test_batch.bin'}: file must be readable, got No such file or directory"
    )
    (cifar / "test_batch.bin").mkdir()
    assert (
        refusal(load_images, cifar)
        == f"{cifar / 'test_batch.bin'}: file must be readable, got Is a directory"
    )


def test_what_may_not_be_read_is_refused(cifar):
    if os.geteuid() == 0:
        pytest.skip("the superuser may read everything")
    batch = cifar / "data_batch_2.bin"
    batch.chmod(0)
    assert refusal(load_images, cifar) == f"{batch}: file must be readable, got Permission denied"
    cifar.chmod(0)
    try:
        assert (
            refusal(load_images, cifar)
            == f"{cifar}: data directory must be readable, got Permission denied"
        )
    finally:
        cifar.chmod(0o700)


@pytest.mark.parametrize("size", [0, 3072, 3074])
def test_a_truncated_file_is_refused(cifar, size):
    path = cifar / "data_batch_2.bin"
    path.write_bytes(bytes(size))
    assert (
        refusal(load_images, cifar)
        == f"{path}: size must be a positive multiple of 3073 bytes, got {size}"
    )


def test_a_label_outside_the_classes_is_refused(cifar):
    path = cifar / "data_batch_2.bin"
    write_records(path, [3, 10])
    assert refusal(load_images, cifar) == f"{path}: labels must be between 0 and 9, got 10"


def test_broken_idx_files_are_refused(mnist):
    images, labels = mnist / "train-images-idx3-ubyte.gz", mnist / "train-labels-idx1-ubyte"
    whole = images.read_bytes()

    write_idx(labels, np.arange(3))
    assert refusal(load_images, mnist) == f"{labels}: labels must be as many as the 4 images, got 3"
    write_idx(labels, np.array([1, 2, 3, 10]))
    assert refusal(load_images, mnist) == f"{labels}: labels must be between 0 and 9, got 10"
    write_idx(labels, np.arange(4), magic=0x803)
    assert (
        refusal(load_images, mnist)
        == f"{labels}: file must start with IDX's number 0x00000801, got 00000803"
    )
    labels.write_bytes(b"")
    assert (
        refusal(load_images, mnist)
        == f"{labels}: file must start with IDX's number 0x00000801, got nothing"
    )
    write_idx(labels, np.arange(0))
    assert refusal(load_images, mnist) == f"{labels}: every axis must be >= 1, got 0"
    write_idx(labels, np.arange(4))
    labels.write_bytes(labels.read_bytes()[:-1])
    assert refusal(load_images, mnist) == f"{labels}: file must hold 4 elements, got 3"
    labels.unlink()
    assert (
        refusal(load_images, mnist)
        == f"{labels}: file must be readable, got No such file or directory"
    )

    gzip_rule = f"{images}: file must be a whole gzip file, got "
    images.write_bytes(whole[:-20])
    assert (
        refusal(load_images, mnist)
        == gzip_rule + "Compressed file ended before the end-of-stream marker was reached"
    )
    images.write_bytes(b"IDX" + whole)
    assert refusal(load_images, mnist).startswith(gzip_rule + "Not a gzipped file")
    images.write_bytes(whole[:200] + bytes(20) + whole[220:])
    assert refusal(load_images, mnist).startswith(gzip_rule)


def test_test_images_of_another_size_are_refused(mnist):
    write_idx(mnist / "t10k-images-idx3-ubyte.gz", np.zeros((2, 14, 28)))
    assert (
        refusal(load_images, mnist)
        == f"{mnist}: test images must be as large as the training images, 28 x 28, got 14 x 28"
    )


def test_broken_text_is_refused(text):
    train, test = text / "wiki.train.tokens", text / "wiki.test.tokens"
    test.unlink()
    assert refusal(load_dataset, text, WORDS) == f"{test}: file does not exist"
    test.write_text(" \n\n")
    assert refusal(load_dataset, text, WORDS) == f"{test}: file must hold words, got none"
    train.write_bytes(b"a \xff b\n")
    assert refusal(load_dataset, text, WORDS) == f"{train}: file must be UTF-8 text"
    train.unlink()
    train.mkdir()
    assert (
        refusal(load_dataset, text, WORDS) == f"{train}: file must be readable, got Is a directory"
    )


# Fitting


def test_images_are_enlarged_by_whole_factors_and_centred():
    images = np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2, 1)
    fitted = fit_images(images, (5, 4, 2))
    assert fitted.shape == (1, 5, 4, 2)
    assert fitted[0, :, :, 0].tolist() == [
        [1, 1, 2, 2],
        [1, 1, 2, 2],
        [3, 3, 4, 4],
        [3, 3, 4, 4],
        [0, 0, 0, 0],
    ]
    assert np.array_equal(fitted[..., 0], fitted[..., 1])
    assert fit_images(images, (1, 3, 1)).reshape(-1).tolist() == [1, 2, 0]


def test_vectors_take_square_maps():
    images = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    assert fit_images(images, (1, 1, 12)).reshape(-1).tolist() == list(range(12))
    assert fit_images(images, (1, 1, 4)).reshape(-1).tolist() == [1, 4, 7, 10]
    assert refusal(fit_images, images, (1, 1, 5)) == (
        "network input must be a map, or a vector of as many entries as a square map of 1 or 3 "
        "channels, got 5 entries"
    )
    assert refusal(fit_images, images, (1, 1, 1)).endswith("got 1 entries")
    assert (
        refusal(fit_images, images, (2, 2, 4))
        == "network input must have 1 or 3 channels for these images, got 4"
    )


# Real files


@pytest.mark.data
def test_real_cifar10(data_dir):
    dataset = load_images(data_dir / "cifar10")
    assert dataset.images.shape[1:] == (32, 32, 3)
    assert sorted(set(dataset.labels.tolist())) == list(range(10))


@pytest.mark.data
def test_real_wikitext2(data_dir):
    dataset = load_dataset(
        data_dir / "wikitext2",
        Builder("words", words=2001).add("embedding", 2).add("rnn", 3).add("fc", 2001).network(),
    )
    assert len(dataset.words) == 2001
    # Its most frequent word, as in any English text.
    assert dataset.words[1] == "the"
    assert len(dataset.training) > 200_000
    assert 0 <= dataset.test.min() <= dataset.test.max() <= 2000
