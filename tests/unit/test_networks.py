"""Workload files: shapes, and every fault word for word at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config.describe import join
from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.config.reading.values import whole
from accelsim.config.registries import IMPORTERS, LAYERS
from accelsim.errors import InputError
from accelsim.layers.windows import output_extent
from accelsim.workload.loading import load_network
from tests.random_networks import network_of

IMAGE = "name: t\ninput: {height: 8, width: 8, channels: 3}\nlayers:\n"
TOKENS = "name: t\ninput: {sequence: 4, vocabulary: 9}\nlayers:\n"
FC = "  - {name: fc, kind: fc, out_features: 3}\n"
KINDS = join(LAYERS.names(), "or")
SEVERAL = join([kind for kind in LAYERS.names() if LAYERS.resolve(kind).several_inputs], "and")
PADDINGS = (
    "same, valid, an integer from 0 to 65536, a list of 2 integers from 0 to 65536 or a list of 4 "
    "integers from 0 to 65536"
)


def faults(tmp_path: Path, text: str, suffix: str = ".yaml") -> list[str]:
    path = tmp_path / f"net{suffix}"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_network(path)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in error.value.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            IMAGE + "  - {name: c, kind: conv, out_channels: 8, kernel: 11}\n" + FC,
            [
                (
                    "net.yaml:4:52: layers[0].kernel must be no larger than the padded map, 8x8, "
                    "got "
                    "11x11"
                )
            ],
        ),
        (
            IMAGE + "  - {name: c, kind: conv, out_channels: 9, kernel: 3, groups: 2}\n" + FC,
            [
                "net.yaml:4:63: layers[0].groups must be a divisor of the 3 input channels, got 2",
                "net.yaml:4:63: layers[0].groups must be a divisor of the 9 output channels, got 2",
            ],
        ),
        (
            IMAGE
            + "  - {name: relu1, kind: relu}\n  - {name: tail, kind: tanh, inputs: [relu]}\n"
            + FC,
            [
                (
                    "net.yaml:5:39: layers[1].inputs[0] must be the name of a layer, or input, got "
                    "relu; did you mean relu1?"
                )
            ],
        ),
        (
            IMAGE + "  - {name: a, kind: relu, inputs: [fc]}\n" + FC,
            [
                (
                    "net.yaml:4:36: layers[0].inputs[0] must be the name of a layer above, or "
                    "input, "
                    "got fc"
                )
            ],
        ),
        (
            IMAGE + "  - {name: fc, kind: relu}\n" + FC,
            ["net.yaml:5:12: layers[1].name must be unlike the names of the layers above, got fc"],
        ),
        (
            IMAGE
            + "  - {name: a, kind: relu}\n  - {name: b, kind: max_pool, kernel: 2}\n  - {name: c, "
            "kind: add, inputs: [a, b]}\n" + FC,
            ["net.yaml:6:34: layers[2].inputs must be layers of one shape, got a 8x8x3, b 4x4x3"],
        ),
        (
            IMAGE + "  - {name: a, kind: relu}\n  - {name: c, kind: add}\n" + FC,
            ["net.yaml:5:5: layers[1].inputs must be two or more different layers, got nothing"],
        ),
        (
            IMAGE + "  - {name: a, kind: relu, inputs: [input, input]}\n" + FC,
            [
                (
                    f"net.yaml:4:35: layers[0].inputs must be one layer (only {SEVERAL} read "
                    "several), got input, input"
                )
            ],
        ),
        (
            IMAGE
            + "  - {name: a, kind: relu}\n  - {name: fc, kind: fc, inputs: [input], out_features: "
            "3}\n",
            [
                (
                    "net.yaml:4:12: layers[0].name must be read by a layer below (only the last "
                    "layer is the output), got a, which none reads"
                )
            ],
        ),
        (
            IMAGE + "  - {name: a, kind: max_pool, kernel: 2, padding: [2, 0]}\n" + FC,
            ["net.yaml:4:51: layers[0].padding must be smaller than the kernel, got 2x0 for 2x2"],
        ),
        (
            IMAGE
            + "  - {name: a, kind: embedding, dim: 3}\n  - {name: b, kind: gru, inputs: [input], "
            "hidden: 2}\n" + FC,
            [
                ("net.yaml:4:21: layers[0].kind must be used with input.vocabulary, got embedding"),
                (
                    "net.yaml:5:21: layers[1].kind must be used with input.sequence and "
                    "input.vocabulary, got gru"
                ),
            ],
        ),
        (
            TOKENS + "  - {name: a, kind: relu}\n" + FC,
            [
                (
                    "net.yaml:4:21: layers[0].kind must be embedding where the layer reads a "
                    "sequence "
                    "of tokens, got relu"
                )
            ],
        ),
        (
            TOKENS
            + "  - {name: a, kind: embedding, dim: 3}\n  - {name: b, kind: embedding, dim: 3}\n"
            + FC,
            [
                (
                    "net.yaml:5:21: layers[1].kind must be a layer that reads vectors (an "
                    "embedding "
                    "reads input), got embedding"
                )
            ],
        ),
        (
            IMAGE + "  - {name: loss, kind: relu}\n  - {name: a.b, kind: relu}\n" + FC,
            [
                (
                    "net.yaml:4:12: layers[0].name must be a name other than input, labels, loss, "
                    "got "
                    "loss"
                ),
                "net.yaml:5:12: layers[1].name must be a name of letters, digits, _ and -, got a.b",
            ],
        ),
        (
            IMAGE + "  - {name: a, kind: fc, out_features: 16777216}\n  - {name: b, kind: fc, "
            "out_features: 16777216}\n" + FC,
            [
                (
                    "net.yaml:5:12: layers[1].name must be a layer whose weights hold at most "
                    "1099511627776 elements, got b with 281474976710656"
                )
            ],
        ),
        (
            IMAGE.replace("layers:", "layers: []"),
            ["net.yaml:3:9: layers must be a list of at least 1 layer, got []"],
        ),
        (
            IMAGE.replace("width: 8, channels", "channels") + FC,
            ["net.yaml:2:1: input.width must be an integer >= 1, got nothing"],
        ),
        (
            TOKENS.replace("vocabulary", "channels") + FC,
            [
                "net.yaml:2:1: input.vocabulary must be an integer >= 1, got nothing",
                "net.yaml:2:32: input.channels must be absent where the input is a sequence, got 9",
            ],
        ),
        (
            IMAGE
            + "  - {name: c, kind: convv, out_channels: 8, kernel: 1}\n  - {name: d, kind: conv, "
            "out_chanels: 8, kernel: 1, padding: sme, stride: [1, 0]}\n",
            [
                f"net.yaml:4:21: layers[0].kind must be {KINDS}, got convv; did you mean conv?",
                (
                    "net.yaml:5:27: layers[1].out_chanels is not a known key; did you mean "
                    "out_channels?"
                ),
                f"net.yaml:5:63: layers[1].padding must be {PADDINGS}, got sme; did you mean same?",
                "net.yaml:5:80: layers[1].stride[1] must be >= 1, got 0",
            ],
        ),
    ],
)
def test_faults(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert faults(tmp_path, text) == expected


def test_a_slip_is_one_fault(tmp_path: Path) -> None:
    """What reads a faulty layer is not blamed for it."""
    layers = (
        "{name: c, kind: conv, out_channels: 8, kernel: 11}",
        "{name: p, kind: max_pool, kernel: 20}",
        "{name: a, kind: add, inputs: [p, input]}",
    )
    text = IMAGE + "".join(f"  - {layer}\n" for layer in layers) + FC
    assert len(faults(tmp_path, text)) == 1


def test_unknown_suffix(tmp_path: Path) -> None:
    assert faults(tmp_path, "", ".txt") == [
        (
            f"net.txt: a workload must be a file of {', '.join(IMPORTERS.names())}, got .txt; a "
            "plug-in's importer needs --plugin FILE.py"
        )
    ]


@pytest.mark.parametrize(
    ("layer", "out", "padding"),
    [
        ({"kind": "conv", "out_channels": 5, "kernel": 3, "padding": 1}, (8, 9, 5), (1, 1, 1, 1)),
        (
            {"kind": "conv", "out_channels": 5, "kernel": [3, 1], "padding": [1, 0]},
            (8, 9, 5),
            (1, 1, 0, 0),
        ),
        ({"kind": "conv", "out_channels": 5, "kernel": 3}, (6, 7, 5), (0, 0, 0, 0)),
        (
            {"kind": "conv", "out_channels": 5, "kernel": 3, "padding": "valid", "stride": 2},
            (3, 4, 5),
            (0, 0, 0, 0),
        ),
        (
            {"kind": "conv", "out_channels": 5, "kernel": 3, "padding": "same", "stride": 2},
            (4, 5, 5),
            (0, 1, 1, 1),
        ),
        (
            {"kind": "conv", "out_channels": 5, "kernel": 3, "padding": "same", "dilation": 2},
            (8, 9, 5),
            (2, 2, 2, 2),
        ),
        (
            {"kind": "conv", "out_channels": 5, "kernel": 2, "padding": "same"},
            (8, 9, 5),
            (0, 1, 0, 1),
        ),
        (
            {"kind": "max_pool", "kernel": 3, "stride": 2, "padding": "same"},
            (4, 5, 3),
            (0, 1, 1, 1),
        ),
        ({"kind": "avg_pool", "kernel": [2, 3]}, (4, 3, 3), (0, 0, 0, 0)),
        ({"kind": "global_avg_pool"}, (1, 1, 3), (0, 0, 0, 0)),
    ],
)
def test_shapes(
    layer: dict[str, object], out: tuple[int, int, int], padding: tuple[int, int, int, int]
) -> None:
    data = {
        "name": "t",
        "input": {"height": 8, "width": 9, "channels": 3},
        "layers": [{"name": "a", **layer}, {"name": "fc", "kind": "fc", "out_features": 2}],
    }
    found = network_of(data).layer("a")
    assert (found.out_shape, found.padding) == (out, padding)


@given(
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.one_of(st.integers(0, 3), st.just("same"), st.just("valid")),
)
def test_output_extent_counts_windows(
    size: int, kernel: int, stride: int, dilation: int, padding: int | str
) -> None:
    """As many outputs as windows fit when one walks along the padded axis."""
    outputs, before, after = output_extent(size, kernel, stride, dilation, padding, 0)  # type: ignore[arg-type]
    reach = dilation * (kernel - 1) + 1
    fitting = sum(
        start + reach <= size + before + after for start in range(0, size + before + after, stride)
    )
    assert (
        max(outputs, 0) == fitting
        if padding != "same"
        else outputs == len(range(0, size, stride)) <= fitting
    )
    if padding == "same":
        assert 0 <= after - before <= 1


def test_a_file_and_the_command_line_have_one_largest_batch(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = (
        f"name: x\ninput: {{channels: 3}}\nbatch: {LARGEST_BATCH}\nlayers: [{{name: fc, kind: "
        f"fc, out_features: 2}}]\n"
    )
    path.write_text(text)
    assert load_network(path).batch == whole("--batch", str(LARGEST_BATCH), 1, LARGEST_BATCH)
    path.write_text(text.replace(str(LARGEST_BATCH), str(LARGEST_BATCH + 1)))
    with pytest.raises(InputError) as caught:
        load_network(path)
    assert (
        str(caught.value)
        == f"{path}:3:8: batch must be <= {LARGEST_BATCH}, got {LARGEST_BATCH + 1}"
    )
