"""The runs whose numbers are kept: command lines of `accelsim`, as a user types them.

A path is relative to this folder; `{out}` stands for a folder that is thrown away after the run.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

MACHINES = {
    "machine-near-memory": "simulate cifar10-conv --arch near-memory",
    "machine-near-memory-batch-16": "simulate mnist-conv --arch near-memory --batch 16",
    "machine-von-neumann": "simulate cifar10-conv --arch von-neumann --rule dfa",
    "machine-von-neumann-batch-16": "simulate cifar10-fc --arch von-neumann --batch 16",
    "machine-systolic-32x32": "simulate mnist-conv --arch systolic-32x32",
    "machine-eyeriss-like": "simulate mnist-conv --arch eyeriss-like --batch 16",
    "machine-eie": "simulate mnist-fc --arch eie",
    "machine-eie-convolution": "simulate {residual} --arch eie --trace random:0.5",
    "machine-tensordash": "simulate mnist-conv --arch tensordash",
    "machine-tensordash-batch-16": "simulate fashion-fc3 --arch tensordash --batch 16 --rule dfa",
    "machine-lnpu-like": "simulate cifar10-conv --arch lnpu-like --rule ssdfa",
    "machine-dt-cnn-like": "simulate {residual} --arch dt-cnn-like --batch 16 --trace random:0.3",
    "machine-transposable-like": "simulate cifar10-conv --arch transposable-like",
    "machine-han-dfa-2019-like": "simulate cifar10-fc --arch han-dfa-2019-like --rule dfa",
    "machine-han-dfa-2019-like-unlocked": (
        "simulate cifar10-fc --arch han-dfa-2019-like --rule dfa --schedule unlocked --batch 16"
    ),
}

RULES = {
    "rule-fa": "simulate mnist-conv --rule fa",
    "rule-dfa": "simulate vgg16-cifar10 --rule dfa --batch 1",
    "rule-dfa-per-step": "simulate {rnn} --rule dfa:per_step=true --trace random:0.5",
    "rule-bdfa": "simulate mnist-fc --rule bdfa --batch 16",
    "rule-sdfa": "simulate cifar10-fc --rule sdfa:k=4,rank=10",
    "rule-sdfa-streaming": "simulate mnist-conv --rule sdfa:k=4 --arch von-neumann",
    "rule-ssdfa": "simulate resnet18-cifar10 --rule ssdfa --batch 1",
    "rule-modular": "simulate mnist-conv --rule modular --batch 16",
    "rule-modular-own-modules": (
        "simulate {residual} --rule modular:modules=stem+conv_b+classifier --trace random:0.5"
    ),
    "rule-conv-dfa": "simulate vgg16-cifar10-nobn --rule conv-dfa --batch 1",
    "rule-dilated": "simulate resnet18-cifar10 --rule dilated --batch 1 --arch von-neumann",
    "rule-revised": "simulate vgg16-cifar10 --rule revised:groups=8,binary=true --batch 1",
    "rule-revised-printed-order": (
        "simulate {residual} --rule revised:groups=4,order=printed --trace random:0.5 --seed 3"
    ),
    "rule-revised-recurrent": (
        "simulate {rnn} --rule revised:sparsity=0.98,binary=true --trace dense"
    ),
    "rule-revised-recurrent-shipped": (
        "simulate rnn-wikitext2 --rule revised:sparsity=0.98,binary=true --batch 1"
    ),
    "rule-revised-gru": (
        "simulate {gru} --rule revised:sparsity=0.5,exponent=printed,init=bw --trace random:0.5"
    ),
    "rule-triangular": "simulate lstm-wikitext2 --rule triangular --batch 1",
    "rule-triangular-per-step": (
        "simulate {lstm} --rule triangular:per_step=true --arch von-neumann --trace random:0.4"
    ),
    "rule-frozen": "simulate mnist-conv --rule frozen",
    "rule-frozen-recurrent": "simulate gru-wikitext2 --rule frozen --batch 1",
    "rule-bp-only": "simulate mnist-conv --rule bp-only:p=0.25",
    "rule-hdfa": "simulate mnist-fc --rule hdfa:p=0.1,groups=8",
    "rule-hdfa-convolution": "simulate mnist-conv --rule hdfa:p=0.1,groups=8 --batch 16",
    "rule-hdfa-recurrent": (
        "simulate {lstm} --rule hdfa:p=0.1,sparsity=0.9 --trace random:0.5 --trace-any-rule"
    ),
    "rule-hdfa-unlocked": (
        "simulate mnist-fc --rule hdfa:p=0.3,gamma=1.0 --schedule unlocked --arch {groups}"
    ),
}

NETWORKS = {
    "network-vgg16-cifar10": "simulate vgg16-cifar10 --batch 1 --arch von-neumann",
    "network-vgg16-cifar10-batch-16": "simulate vgg16-cifar10 --batch 16",
    "network-vgg16-cifar10-nobn-lnpu-like": (
        "simulate vgg16-cifar10-nobn --batch 1 --arch lnpu-like --rule fa"
    ),
    "network-vgg16-imagenet-dense": (
        "simulate vgg16-imagenet --batch 1 --trace dense --arch systolic-32x32"
    ),
    "network-resnet18-cifar10": "simulate resnet18-cifar10 --batch 1",
    "network-resnet18-cifar10-batch-16": "simulate resnet18-cifar10 --batch 16",
    "network-resnet18-cifar10-tensordash": "simulate resnet18-cifar10 --batch 1 --arch tensordash",
    "network-resnet50-cifar10": "simulate resnet50-cifar10 --batch 1",
    "network-resnet50-cifar10-unlocked": (
        "simulate resnet50-cifar10 --batch 1 --schedule unlocked --arch {groups} --rule dfa"
    ),
    "network-resnet50-imagenet-dense": (
        "simulate resnet50-imagenet --batch 1 --trace dense --passes ff --arch von-neumann"
    ),
    "network-alexnet": "simulate alexnet --batch 1 --trace dense --arch von-neumann",
    "network-cifar100-fc": "simulate cifar100-fc --batch 16 --trace random:0.5 --rule ssdfa",
    "network-cifar100-conv": "simulate cifar100-conv --batch 1 --trace random:0.5 --seed 7",
    "network-fashion-fc": "simulate fashion-fc --batch 16",
    "network-fashion-fc3": "simulate fashion-fc3 --rule fa",
    "network-digits-fc": "simulate digits-fc --batch 16",
    "network-rnn-wikitext2": "simulate rnn-wikitext2 --batch 1 --arch eie",
    "network-lstm-wikitext2": "simulate lstm-wikitext2 --batch 1 --arch von-neumann",
    "network-gru-wikitext2": "simulate gru-wikitext2 --batch 1 --rule dfa",
    "network-small-lstm-batch-16": "simulate {lstm} --batch 16 --trace random:0.5",
    "network-small-gru-tensordash": "simulate {gru} --arch tensordash --trace random:0.5",
    "network-small-rnn-batch-16": "simulate {rnn} --batch 16 --trace random:0.2 --arch lnpu-like",
    "network-small-residual": "simulate {residual} --batch 16 --trace random:0.5",
}

SCHEDULES = {
    "unlocked-bp": "simulate mnist-conv --schedule unlocked",
    "unlocked-dfa": "simulate cifar10-conv --schedule unlocked --rule dfa",
    "unlocked-groups-bp": "simulate mnist-conv --schedule unlocked --arch {groups}",
    "unlocked-groups-ssdfa": (
        "simulate cifar10-fc --schedule unlocked --arch {groups} --rule ssdfa --batch 16"
    ),
    "unlocked-groups-streaming": (
        "simulate mnist-conv --schedule unlocked --arch machines/groups-streaming.yaml --rule dfa"
    ),
    "unlocked-groups-recurrent": (
        "simulate {rnn} --schedule unlocked --arch {groups} --trace random:0.5"
        " --rule revised:sparsity=0.5,per_step=true"
    ),
    "unlocked-systolic": (
        "simulate {residual} --schedule unlocked --arch systolic-32x32 --trace dense"
    ),
}

MEMORIES_AND_LINKS = {
    "mesh": "simulate mnist-conv --arch machines/mesh.yaml",
    "mesh-recurrent": "simulate {lstm} --arch machines/mesh.yaml --trace random:0.5",
    "mesh-streaming": "simulate mnist-conv --arch machines/mesh-streaming.yaml --rule dfa",
    "psum-reduce": "simulate mnist-conv --arch machines/psum-reduce.yaml",
    "psum-reduce-residual": (
        "simulate {residual} --arch machines/psum-reduce.yaml --batch 16 --trace random:0.5"
    ),
    "transposable": "simulate mnist-conv --arch machines/transposable.yaml",
    "feedback-prng": "simulate cifar10-fc --arch machines/feedback-prng.yaml --rule dfa",
    "feedback-prng-sparse": (
        "simulate mnist-fc --arch machines/feedback-prng.yaml --rule sdfa:k=4 --batch 16"
    ),
    "separate-update": "simulate mnist-conv --arch machines/separate-update.yaml --batch 16",
    "bank-conflicts": "simulate mnist-conv --arch machines/bank-conflicts.yaml",
    "block-conflicts": (
        "simulate {residual} --arch machines/block-conflicts.yaml --trace random:0.5"
    ),
    "small-memories": "simulate mnist-conv --arch machines/small-memories.yaml",
    "small-memories-batch-16": (
        "simulate {residual} --arch machines/small-memories.yaml --batch 16 --trace random:0.5"
    ),
    "narrow-words-28nm": "simulate mnist-conv --arch machines/narrow-words-28nm.yaml --rule dfa",
    "hbm2": "simulate mnist-fc --arch machines/hbm2.yaml --batch 16",
    "stash-in-scratchpads": (
        "simulate mnist-conv --arch machines/stash-in-scratchpads.yaml --batch 16"
    ),
    "stash-streaming": "simulate cifar10-conv --arch machines/stash-streaming.yaml --batch 16",
    "fusion-epilogue": "simulate resnet18-cifar10 --arch machines/fusion-epilogue.yaml --rule bp",
    "fusion-full": "simulate vgg16-cifar10 --arch machines/fusion-full.yaml --rule dfa",
}

FORMATS_AND_ZEROS = {
    "format-rle": "simulate mnist-conv --arch machines/rle.yaml",
    "format-csc": "simulate mnist-conv --arch machines/csc.yaml --rule ssdfa",
    "format-csc-batch-16": (
        "simulate {residual} --arch machines/csc.yaml --batch 16 --trace random:0.3"
    ),
    "format-bitmap": "simulate mnist-conv --arch machines/bitmap.yaml --rule dfa",
    "zeros-window": "simulate {residual} --arch machines/window-zeros.yaml --trace random:0.5",
    "zeros-window-shipped": "simulate mnist-conv --arch machines/window-zeros.yaml",
    "skip-stationary": "simulate mnist-conv --arch machines/skip-stationary.yaml",
    "skip-both": "simulate {residual} --arch machines/skip-both.yaml --trace random:0.4 --batch 16",
    "skip-none": "simulate mnist-conv --arch machines/skip-none.yaml",
    "dataflow-weight-stationary": "simulate mnist-conv --arch machines/weight-stationary.yaml",
    "dataflow-input-stationary": "simulate mnist-conv --arch machines/input-stationary.yaml",
}

MAPPINGS = {
    "fewest-cycles": "simulate mnist-conv --arch machines/fewest-cycles.yaml",
    "least-energy": "simulate mnist-conv --arch machines/least-energy.yaml --rule dfa",
    "least-edp": "simulate {residual} --arch machines/least-edp.yaml --trace random:0.5",
    "least-energy-resnet18": (
        "simulate resnet18-cifar10 --batch 1 --arch machines/least-energy.yaml"
    ),
    "fewest-cycles-batch-16": (
        "simulate {lstm} --arch machines/fewest-cycles.yaml --batch 16 --trace random:0.5"
    ),
    "pins": "simulate mnist-conv --arch machines/pins.yaml",
    "map-canonical": "map cifar10-conv",
    "map-edp": "map mnist-conv --arch von-neumann --objective edp",
    "map-energy": "map digits-fc --objective energy --rule dfa --batch 16",
    "map-row-stationary": "map mnist-conv --arch eyeriss-like --ops conv*",
    "map-recurrent": "map {rnn} --arch von-neumann --trace random:0.5 --objective cycles",
}

PASSES_AND_OPTIMIZERS = {
    "passes-forward": "simulate cifar10-conv --passes ff",
    "passes-backward": "simulate mnist-conv --passes ep,wg --arch von-neumann",
    "passes-update": "simulate mnist-fc --passes wg,wu --rule dfa",
    "optimizer-sgd": "simulate mnist-conv --optimizer sgd",
    "optimizer-adam": "simulate mnist-conv --optimizer adam --arch von-neumann",
    "optimizer-adam-separate": (
        "simulate fashion-fc3 --optimizer adam --arch machines/separate-update.yaml"
    ),
    "trace-random": "simulate mnist-conv --trace random:0.5 --seed 11",
    "trace-dense": "simulate cifar10-conv --trace dense",
}

COMPARISONS = {
    "compare-rules": "compare mnist-conv --rules bp,dfa,ssdfa",
    "compare-unlocked": (
        "compare cifar10-conv --rules 'bp,revised:groups=8;binary=true,frozen' --schedule unlocked"
    ),
    "compare-machines": (
        "compare fashion-fc3 --arch near-memory,von-neumann,eie --rules bp,dfa --batch 16"
    ),
}

DRAM = {
    "dram-ddr4-2400": "dram ddr4-2400 requests/scattered.csv",
    "dram-ddr4-3200": "dram ddr4-3200 requests/few-rows.csv --max-outstanding 4",
    "dram-lpddr4-3200": "dram lpddr4-3200 requests/stream.csv",
    "dram-lpddr4-3200-few-rows": "dram lpddr4-3200 requests/few-rows.csv",
    "dram-hbm2-pc": "dram hbm2-pc requests/scattered.csv",
    "dram-lpddr5x-7500": "dram lpddr5x-7500 requests/few-rows.csv",
    "dram-hbm2": "dram hbm2 requests/stream.csv",
}

TABLES = {
    "reproduce-han2020-table2": "reproduce han2020-table2",
    "reproduce-han2020-table4": "reproduce han2020-table4",
    "reproduce-crafton2019-table1": "reproduce crafton2019-table1",
    "reproduce-crafton2019-fig8": "reproduce crafton2019-fig8",
}

TRAINING = {
    "train-bp": "train digits-fc --epochs 2 --trace-every 1 --out {out}",
    "train-dfa": "train digits-fc --rule dfa --epochs 2 --trace-every 1 --out {out}",
    "train-ssdfa-adam": (
        "train digits-fc --rule ssdfa --epochs 2 --trace-every 2 --optimizer adam --seed 5"
        " --out {out}"
    ),
    "train-convolution-bp": "train {digits} --epochs 1 --trace-every 1 --out {out}",
    "train-convolution-revised": (
        "train {digits} --rule revised:groups=2,binary=true --epochs 1 --trace-every 1 --out {out}"
    ),
    "train-hdfa-bf16": (
        "train digits-fc --rule hdfa:p=0.2,groups=2 --epochs 2 --schedule cosine"
        " --formats weight=bf16,activation=fp16,error=e5m2 --held-out 0.1 --out {out}"
    ),
    "trace-digits": "trace digits-fc --rule fa --steps 30 --output {out}/digits.npz",
}

SLOW = {"reproduce-all": "reproduce all"}

SHORT_NAMES = {
    "{residual}": "networks/small-residual.yaml",
    "{digits}": "networks/digits-conv.yaml",
    "{rnn}": "networks/small-rnn.yaml",
    "{lstm}": "networks/small-lstm.yaml",
    "{gru}": "networks/small-gru.yaml",
    "{groups}": "machines/groups-of-pes.yaml",
}

WITHOUT_JSON = ("map", "trace")


@dataclass(frozen=True)
class Case:
    """One run. A slow one runs only when asked for."""

    name: str
    arguments: tuple[str, ...]
    slow: bool = False

    @property
    def trains(self) -> bool:
        """Whether the run computes in floating point, whose last digits may change."""
        return self.arguments[0] in {"train", "trace"}


def case_of(name: str, line: str, slow: bool = False) -> Case:
    """Make the case of a command line, which prints JSON where it can."""
    arguments = [SHORT_NAMES.get(word, word) for word in shlex.split(line)]
    if arguments[0] not in WITHOUT_JSON:
        arguments.append("--json")
    return Case(name, tuple(arguments), slow)


GROUPS = (
    MACHINES,
    RULES,
    NETWORKS,
    SCHEDULES,
    MEMORIES_AND_LINKS,
    FORMATS_AND_ZEROS,
    MAPPINGS,
    PASSES_AND_OPTIMIZERS,
    COMPARISONS,
    DRAM,
    TABLES,
    TRAINING,
)
CASES = (
    *(case_of(name, line, slow=True) for name, line in SLOW.items()),
    *(case_of(name, line) for group in GROUPS for name, line in group.items()),
)
