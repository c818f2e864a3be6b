"""The models that ship with the onnx package: their products, and a step of each."""

from __future__ import annotations

from pathlib import Path

import pytest

import accelsim
from tests.onnx_files import macs, network

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")

FOLDER = Path(onnx.__file__).parent / "backend/test/data/light"

MEGA_MACS = {
    "bvlc_alexnet": 655,
    "zfnet512": 1482,
    "vgg19": 19632,
    "resnet50": 4089,
    "densenet121": 2834,
    "inception_v1": 1432,
    "inception_v2": 2019,
    "squeezenet": 349,
    "shufflenet": 125,
}
"""Million products of an image of 224 x 224, counted with the shape inference of onnx."""


@pytest.mark.parametrize("name", MEGA_MACS)
def test_products(name: str) -> None:
    read = network(FOLDER / f"light_{name}.onnx", strict=True)
    assert round(macs(read) / 1e6) == MEGA_MACS[name]
    assert read.output.out_shape == (1, 1, 1000)


def test_all_models_are_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.onnx")} == {f"light_{name}" for name in MEGA_MACS}


def test_a_step() -> None:
    result = accelsim.simulate(FOLDER / "light_squeezenet.onnx")
    assert result.trace == "dense"
    assert "light_squeezenet has no trace: every operand is dense" in result.notes[0]
