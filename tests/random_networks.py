"""Small random networks for property tests, as workload data: chains and residual blocks of every
layer kind, sequences, and transformers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from accelsim.config.loader import validate_data
from accelsim.config.source import Place
from accelsim.workload.file import Workload
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve

ACTIVATIONS = ["relu", "relu6", "tanh", "sigmoid", "gelu", "silu"]
STRUCTURE = ["beside", "parts", "gate", "resized", "transposed"]
ADDED = ["bias", "positions"]
POSITION_NORMS = ["layer_norm", "rms_norm"]
NORMS = ["batch_norm", *POSITION_NORMS]


def network_of(data: dict[str, Any]) -> Network:
    """Network from plain workload data."""
    return resolve(validate_data(data, Workload), lambda _: Place("", 0, 0))


def _structure(draw: st.DrawFn, add: Callable[..., str], above: str, block: str) -> str:
    """Layers that take maps apart, put them together or change their resolution."""
    if block == "beside":
        wide = add("conv", inputs=[above], out_channels=draw(st.integers(1, 3)), kernel=1)
        return add("concat", inputs=draw(st.permutations([above, wide])))
    if block == "parts":
        whole = add("conv", inputs=[above], out_channels=4, kernel=1)
        cut = draw(st.integers(1, 3))
        first = add("slice", inputs=[whole], stop=cut)
        second = add("slice", inputs=[whole], start=draw(st.sampled_from([0, cut])))
        second = add("relu", inputs=[second]) if draw(st.booleans()) else second
        return add("concat", inputs=[second, first])
    if block == "gate":
        wide = add("conv", inputs=[above], out_channels=3, kernel=1)
        kind = draw(st.sampled_from(["global_avg_pool", "tanh"]))
        gate = add("sigmoid", inputs=[add(kind, inputs=[wide])])
        return add("multiply", inputs=[wide, gate])
    if block == "resized":
        keys = {"height": draw(st.integers(1, 8)), "width": draw(st.integers(1, 8))}
        mode = draw(st.sampled_from(["nearest", "bilinear"]))
        return add("resize", inputs=[above], mode=mode, **keys)
    return add(
        "conv_transpose",
        inputs=[above],
        out_channels=draw(st.integers(1, 4)),
        kernel=draw(st.integers(1, 3)),
        stride=draw(st.integers(1, 2)),
        padding="same",
    )


@st.composite
def image_workloads(draw: st.DrawFn) -> dict[str, Any]:
    side, channels = draw(st.integers(4, 9)), draw(st.integers(1, 4))
    layers: list[dict[str, Any]] = []

    def add(kind: str, **fields: Any) -> str:
        name = f"{kind}{len(layers)}"
        layers.append({"name": name, "kind": kind, **fields})
        return name

    above = "input"
    ends: list[str] = []
    for _ in range(draw(st.integers(0, 5))):
        block = draw(
            st.sampled_from(
                [
                    "conv",
                    "grouped",
                    "bn",
                    "activation",
                    "pool",
                    "identity",
                    "projection",
                    "relu_bn",
                    "other",
                    *STRUCTURE,
                ]
            )
        )
        if block == "conv":
            size = draw(st.sampled_from([1, 2, 3]))
            stride, padding = draw(st.integers(1, 2)), draw(st.sampled_from(["same", size // 2]))
            above = add(
                "conv",
                inputs=[above],
                out_channels=draw(st.integers(1, 5)),
                kernel=[size, 1],
                stride=stride,
                padding=padding,
            )
        elif block == "grouped":
            above = add("conv", inputs=[above], out_channels=4, kernel=1)
            above = add(
                "conv",
                inputs=[above],
                out_channels=2,
                kernel=3,
                padding="same",
                groups=2,
                dilation=draw(st.integers(1, 2)),
            )
        elif block == "pool":
            kind = draw(st.sampled_from(["max_pool", "avg_pool"]))
            above = add(
                kind,
                inputs=[above],
                kernel=draw(st.integers(1, 3)),
                stride=draw(st.integers(1, 2)),
                padding="same",
            )
        elif block in ("bn", "relu_bn"):
            above = add("relu", inputs=[above]) if block == "relu_bn" else above
            above = add(draw(st.sampled_from(NORMS)), inputs=[above])
        elif block == "other":
            kind = draw(st.sampled_from([*ADDED, "dropout", "softmax"]))
            above = add(kind, inputs=[above], **({"rate": 0.5} if kind == "dropout" else {}))
        elif block in STRUCTURE:
            above = _structure(draw, add, above, block)
        elif block == "activation":
            above = add(draw(st.sampled_from(ACTIVATIONS)), inputs=[above])
        else:
            start = above
            main = add(
                "batch_norm",
                inputs=[add("conv", inputs=[start], out_channels=3, kernel=3, padding=1)],
            )
            if block == "projection":
                above = add(
                    "add", inputs=[main, add("conv", inputs=[start], out_channels=3, kernel=1)]
                )
            else:
                same = add("conv", inputs=[main], out_channels=3, kernel=1)
                above = add("add", inputs=[add("relu", inputs=[same]), main])
            above = add("relu", inputs=[above])
        last = layers[-1] if layers[-1]["kind"] == "conv" else None
        ends += [last["name"]] if last else []
    if draw(st.booleans()):
        above = add("global_avg_pool", inputs=[above])
    if draw(st.booleans()):
        above = add(
            "relu", inputs=[add("fc", inputs=[above], out_features=draw(st.integers(1, 6)))]
        )
    above = add("fc", inputs=[above], out_features=draw(st.integers(2, 5)))
    if draw(st.booleans()):
        add("bias", inputs=[above])
    # Every path passes through these convolutions, so a module may end in any of them.
    modules = [name for name in ends if draw(st.booleans())]
    return {
        "name": "random",
        "modules": modules,
        "input": {"height": side, "width": side, "channels": channels},
        "layers": layers,
    }


@st.composite
def sequence_workloads(draw: st.DrawFn) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"name": "embedding", "kind": "embedding", "dim": draw(st.integers(1, 4))}
    ]
    for index in range(draw(st.integers(1, 2))):
        layers.append(
            {
                "name": f"cell{index}",
                "kind": draw(st.sampled_from(["rnn", "lstm", "gru"])),
                "hidden": draw(st.integers(1, 4)),
            }
        )
        if draw(st.booleans()):
            layers.append({"name": f"relu{index}", "kind": "relu"})
    layers.append({"name": "fc", "kind": "fc", "out_features": draw(st.integers(2, 5))})
    return {
        "name": "random",
        "input": {"sequence": draw(st.integers(1, 4)), "vocabulary": draw(st.integers(2, 9))},
        "layers": layers,
    }


@st.composite
def token_workloads(draw: st.DrawFn) -> dict[str, Any]:
    """Blocks of a transformer on words or on an image's positions, with a class per position or per
    sample. Heads may share keys; queries may be more or fewer than keys.
    """
    layers: list[dict[str, Any]] = []
    shapes: dict[str, tuple[int, int]] = {}

    def add(kind: str, above: str, shape: tuple[int, int], **fields: Any) -> str:
        name = f"{kind}{len(layers)}"
        layers.append({"name": name, "kind": kind, "inputs": [above], **fields})
        shapes[name] = shape
        return name

    def linear(above: str, width: int) -> str:
        return add("linear", above, (shapes[above][0], width), out_features=width)

    def unweighted(above: str, kinds: list[str]) -> str:
        kind = draw(st.sampled_from(kinds))
        if kind == "positions" and shapes[above][0] == 1:
            return above
        return add(kind, above, shapes[above], **({"rate": 0.5} if kind == "dropout" else {}))

    width = draw(st.integers(1, 4))
    if draw(st.booleans()):
        tokens = draw(st.integers(1, 6))
        given = {"tokens": tokens, "vocabulary": draw(st.integers(2, 9))}
        above = add("embedding", "input", (tokens, width), dim=width)
    else:
        given = {"height": draw(st.integers(1, 3)), "width": draw(st.integers(1, 2))}
        shape = (given["height"] * given["width"], width)
        given["channels"] = draw(st.integers(1, 3))
        above = add("conv", "input", shape, out_channels=width, kernel=1)
    for _ in range(draw(st.integers(1, 3))):
        block = draw(
            st.sampled_from(["attention", "attention", "attention", "perceptron", "other"])
        )
        if block == "other":
            above = unweighted(above, [*POSITION_NORMS, *ADDED, "dropout", "softmax"])
            continue
        start = above
        if block == "perceptron":
            above = linear(above, draw(st.integers(1, 4)))
            above = unweighted(above, ["relu", *ACTIVATIONS, *ADDED])
        else:
            above = attention(draw, add, linear, shapes, above)
        residual = shapes[above][0] == shapes[start][0] and draw(st.booleans())
        above = linear(above, shapes[start][1] if residual else draw(st.integers(1, 4)))
        if residual:
            above = add("add", above, shapes[start])
            layers[-1]["inputs"].append(start)
    end = draw(st.sampled_from(["each", "each", "all", "mean"]))
    if end == "each":
        above = linear(above, draw(st.integers(2, 3)))
    else:
        above = add("global_avg_pool", above, (1, shapes[above][1])) if end == "mean" else above
        above = add("fc", above, (1, 0), out_features=draw(st.integers(2, 5)))
    if draw(st.booleans()):
        add("bias", above, shapes[above])
    return {"name": "random", "input": given, "layers": layers}


def attention(
    draw: st.DrawFn,
    add: Callable[..., str],
    linear: Callable[[str, int], str],
    shapes: dict[str, tuple[int, int]],
    above: str,
) -> str:
    """Queries, keys and values of the map ``above``, or of a part of it, and attention."""
    shared, sharing = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    size, wide = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    positions, fewer = shapes[above][0], draw(st.sampled_from(["none", "none", "queries", "keys"]))
    if fewer == "none":
        asked = read = above
    else:
        mean = add("global_avg_pool", above, (1, shapes[above][1]))
        asked, read = (mean, above) if fewer == "queries" else (above, mean)
    query = linear(asked, shared * sharing * size)
    if size == 2 and shapes[query][0] > 1 and draw(st.booleans()):
        query = add("rotary", query, shapes[query], heads=shared * sharing)
    key, value = linear(read, shared * size), linear(read, shared * wide)
    if draw(st.booleans()):
        value = add("relu", value, shapes[value])
    causal = (fewer != "keys" or positions == 1) and draw(st.booleans())
    return add(
        "attention",
        "",
        (shapes[query][0], shared * sharing * wide),
        inputs=[query, key, value],
        heads=shared * sharing,
        kv_heads=shared,
        causal=causal,
    )


def networks() -> st.SearchStrategy[Network]:
    """Any small network."""
    return st.one_of(image_workloads(), sequence_workloads(), token_workloads()).map(network_of)
