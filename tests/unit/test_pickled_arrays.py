"""Pickled data sets: what is read, and that nothing which a file names is ever run."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.training.data.datasets import load_images


def pixels(images, seed=0):
    """Planes of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (images, 3, 32, 32), dtype=np.uint8)


def write_pickle(path, labels, seed=0, protocol=2):
    """A CIFAR-10 python file; returns its images, channels last."""
    planes = pixels(len(labels), seed)
    content = {
        b"batch_label": b"one",
        b"labels": labels,
        b"data": planes.reshape(len(labels), -1),
        b"filenames": [b"a.png"] * len(labels),
    }
    path.write_bytes(pickle.dumps(content, protocol))
    return planes.transpose(0, 2, 3, 1)


def refusal(directory):
    with pytest.raises(InputError) as caught:
        load_images(directory)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_cifar_pickles(tmp_path, protocol):
    first = write_pickle(tmp_path / "data_batch_1", [0, 9, 3], 1, protocol=protocol)
    write_pickle(tmp_path / "data_batch_2", [5], 2, protocol=protocol)
    write_pickle(tmp_path / "test_batch", np.array([7], np.int32), protocol=protocol)
    dataset = load_images(tmp_path)
    assert (dataset.name, dataset.classes) == ("cifar10", 10)
    assert dataset.labels.tolist() == [0, 9, 3, 5]
    assert np.array_equal(dataset.images[:3], first)
    assert dataset.test_labels.tolist() == [7]


def test_a_pickle_written_by_python_2(tmp_path):
    """As the published files are: text and data alike as strings of bytes, opcodes of protocol
    2.
    """
    data = pixels(2, 5).reshape(2, -1)
    string = b"T" + data.nbytes.to_bytes(4, "little") + data.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        b"K\x00\x85U\x01b\x87R(K\x01K\x02M\x00\x0c\x86"
    )
    dtype = (
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    content = (
        b"\x80\x02}(U\x04data" + array + dtype + b"\x89" + string + b"tbU\x06labels](K\x03K\x04eu."
    )
    for name in ("data_batch_1", "test_batch"):
        (tmp_path / name).write_bytes(content)
    dataset = load_images(tmp_path)
    assert dataset.labels.tolist() == [3, 4]
    assert np.array_equal(dataset.images, data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def test_an_array_pickled_by_columns(tmp_path):
    content = {"data": np.asfortranarray(pixels(2, 5).reshape(2, -1)), "labels": [3, 4]}
    for name in ("data_batch_1", "test_batch"):
        (tmp_path / name).write_bytes(pickle.dumps(content))
    assert np.array_equal(load_images(tmp_path).images, pixels(2, 5).transpose(0, 2, 3, 1))


class As:
    """Pickles as a call and a state, of one's choice."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


CALLS = {
    "os": (As(os.system, ("touch made",)), f"{os.system.__module__}.system"),
    "eval": (As(eval, ("open('made', 'w')",)), "__builtin__.eval"),
    "dict": (OrderedDict(a=1), "collections.OrderedDict"),
    "numpy": (As(np.load, ("made",)), "numpy.load"),
    "objects": (np.array([As(os.system, ("touch made",))]), "an array of O8"),
    "text": (np.array(["a"]), "an array of U1"),
    "lines": (b"\x80\x04\x8c\x05os\n\x1b[\x8c\x06system\x93.", "os\\n\\x1b[.system"),
    "attribute": (b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.", "numpy.ndarray.dump"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data_batch_1"
    value, named = CALLS[name]
    path.write_bytes(
        value if isinstance(value, bytes) else pickle.dumps({b"data": value, b"labels": []}, 2)
    )
    assert (
        refusal(tmp_path) == f"{path}: file must be a whole pickle of a dict of arrays, got {named}"
    )
    assert not (tmp_path / "made").exists()


def test_arrays_forged_with_another_type_are_refused(tmp_path):
    """A view of one's own bytes as Python objects would be a pointer of one's choice."""
    path = tmp_path / "data_batch_1"
    path.write_bytes(
        b"\x80\x04cnumpy\nndarray\n(K\x01\x85cnumpy\ndtype\n\x8c\x01O\x85RC\x08AAAAAAAAtR."
    )
    assert (
        refusal(tmp_path)
        == f"{path}: file must be a whole pickle of a dict of arrays, got an array of O"
    )


def broken_pickles():
    """Contents by what is said of them."""
    data = np.zeros((2, 3072), np.uint8)

    def made(**content):
        return pickle.dumps(content, 4)

    forged = As(*data[:0].__reduce__()[:2], (1, (2, 3072), data.dtype, False, bytes(6)))
    whole = "file must be a whole pickle of a dict of arrays, got "
    keys = "file must be a dict with data and labels, got none named "
    return {
        whole + "EOFError: Ran out of input": b"",
        whole + "pickle data was truncated": made(data=data, labels=[1, 2])[:2000],
        whole + "a list": pickle.dumps([1], 2),
        whole + "ValueError: cannot reshape array of size 6 into shape (2,3072)": made(data=forged),
        keys + "data": made(labels=[1]),
        keys + "labels": made(data=data),
        "data must be uint8 of (N, 3072), got list": made(data=[1], labels=[1]),
        "data must be uint8 of (N, 3072), got int16 of (2, 3072)": made(
            data=data.astype(np.int16), labels=[1, 2]
        ),
        "data must be uint8 of (N, 3072), got uint8 of (2, 3071)": made(
            data=data[:, :-1].copy(), labels=[1, 2]
        ),
        "data must be uint8 of (N, 3072), got uint8 of (0, 3072)": made(data=data[:0], labels=[]),
        "labels must be as many as the 2 images, got 3": made(data=data, labels=[1, 2, 3]),
        "labels must be between 0 and 9, got 10": made(data=data, labels=[1, 10]),
        "labels must be between 0 and 9, got -1": made(data=data, labels=[-1, 10]),
        "labels must be a list of whole numbers, got 1 axes of float64": made(
            data=data, labels=[0.5, 1]
        ),
        "labels must be a list of whole numbers, got 1 axes of object": made(
            data=data, labels=[None, 1]
        ),
        "labels must be a list of whole numbers, got 0 axes of int64": made(data=data, labels=3),
    }


@pytest.mark.parametrize("said", broken_pickles())
def test_a_broken_pickle_is_refused(tmp_path, said):
    path = tmp_path / "data_batch_1"
    path.write_bytes(broken_pickles()[said])
    assert refusal(tmp_path) == f"{path}: {said}"
