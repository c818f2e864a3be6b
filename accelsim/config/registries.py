"""The registries: learning rules, layer kinds, PE kinds and importers."""

from __future__ import annotations

from accelsim.config.registry import Registry

RULES = Registry(
    "rule",
    {
        "bp": "accelsim.rules.chained.options:BP",
        "bp-only": "accelsim.rules.chained.options:BP_ONLY",
        "fa": "accelsim.rules.chained.options:FA",
        "dfa": "accelsim.rules.direct.options:DFA",
        "bdfa": "accelsim.rules.direct.options:BDFA",
        "sdfa": "accelsim.rules.direct.options:SDFA",
        "ssdfa": "accelsim.rules.direct.options:SSDFA",
        "modular": "accelsim.rules.modular.options:MODULAR",
        "conv-dfa": "accelsim.rules.modular.options:CONV_DFA",
        "dilated": "accelsim.rules.modular.options:DILATED",
        "triangular": "accelsim.rules.sequence.options:TRIANGULAR",
        "revised": "accelsim.rules.revised.options:REVISED",
        "hdfa": "accelsim.rules.hybrid.options:HDFA",
        "frozen": "accelsim.rules.chained.options:FROZEN",
    },
    listing="accelsim list rules",
    group="accelsim.rules",
    key="rule",
    base="accelsim.rules.declaration:Rule",
)
"""Learning rules."""

LAYERS = Registry(
    "layer kind",
    {
        "conv": "accelsim.layers.convolution:ConvolutionSection",
        "conv_transpose": "accelsim.layers.conv_transpose:ConvTransposeSection",
        "fc": "accelsim.layers.fully_connected:FullyConnectedSection",
        "linear": "accelsim.layers.linear:LinearSection",
        "attention": "accelsim.layers.attention:AttentionSection",
        "batch_norm": "accelsim.layers.batch_norm:BatchNormSection",
        "layer_norm": "accelsim.layers.layer_norm:LayerNormSection",
        "rms_norm": "accelsim.layers.rms_norm:RmsNormSection",
        "relu": "accelsim.layers.activations:ActivationSection",
        "relu6": "accelsim.layers.activations:ActivationSection",
        "tanh": "accelsim.layers.activations:ActivationSection",
        "sigmoid": "accelsim.layers.activations:ActivationSection",
        "gelu": "accelsim.layers.gelu:GeluSection",
        "silu": "accelsim.layers.silu:SiluSection",
        "bias": "accelsim.layers.bias:BiasSection",
        "positions": "accelsim.layers.positions:PositionsSection",
        "dropout": "accelsim.layers.dropout:DropoutSection",
        "softmax": "accelsim.layers.softmax:SoftmaxSection",
        "rotary": "accelsim.layers.rotary:RotarySection",
        "max_pool": "accelsim.layers.pooling:PoolSection",
        "avg_pool": "accelsim.layers.pooling:PoolSection",
        "global_avg_pool": "accelsim.layers.pooling:GlobalPoolSection",
        "add": "accelsim.layers.add:AddSection",
        "concat": "accelsim.layers.concat:ConcatSection",
        "matmul": "accelsim.layers.matmul:MatmulSection",
        "recurrence": "accelsim.layers.recurrence:RecurrenceSection",
        "vector_work": "accelsim.layers.vector_work:VectorWorkSection",
        "multiply": "accelsim.layers.multiply:MultiplySection",
        "slice": "accelsim.layers.slice:SliceSection",
        "reshape": "accelsim.layers.reshape:ReshapeSection",
        "transpose": "accelsim.layers.reshape:TransposeSection",
        "resize": "accelsim.layers.resize:ResizeSection",
        "embedding": "accelsim.layers.embedding:EmbeddingSection",
        "rnn": "accelsim.layers.recurrent:RecurrentSection",
        "lstm": "accelsim.layers.recurrent:RecurrentSection",
        "gru": "accelsim.layers.recurrent:RecurrentSection",
    },
    group="accelsim.layers",
    key="layer",
    base="accelsim.workload.section:LayerSection",
)
"""Kinds of layer in a network. Each is declared by its section of a workload's file."""

PE_KINDS = Registry(
    "PE kind",
    {
        "lanes": "accelsim.pe.lanes.section:LanesArray",
        "coupled": "accelsim.pe.coupled.section:CoupledArray",
        "broadcast": "accelsim.pe.broadcast.section:BroadcastArray",
        "systolic": "accelsim.pe.systolic.section:SystolicArray",
        "row_stationary": "accelsim.pe.row_stationary.section:RowStationaryArray",
    },
    group="accelsim.pe_kinds",
    key="pe_kind",
    base="accelsim.machine.pe_base:PEArray",
)
"""Kinds of PE array. Each is declared by its section of a machine's file."""

IMPORTERS = Registry(
    "importer",
    {
        ".yaml": "accelsim.workload.importers.yaml:load_network",
        ".yml": "accelsim.workload.importers.yaml:load_network",
        ".onnx": "accelsim.workload.importers.onnx:load_network",
        ".csv": "accelsim.workload.importers.topology:load_network",
    },
    group="accelsim.importers",
    key="importer",
    base="collections.abc:Callable",
)
"""Functions (path) -> network, by the suffix of the files that they read. They raise InputError
with every fault of the file.
"""

REGISTRIES = {each.key: each for each in (RULES, LAYERS, PE_KINDS, IMPORTERS)}
"""The registries by their ``key``."""
