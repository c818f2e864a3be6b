"""A training step of the reference numbers beside PyTorch's, interleaved, best of several: `python
tests/bench/training.py`.

Both make forward, backward and a momentum update of one batch in float32, on the same number of
threads. Needs PyTorch (`make bench` uses the environment of `make test-torch`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # read when numpy is loaded: parts of the batch go to threads, not of a product

import numba
import numpy as np
import torch
from against_torch import best_of, torch_step

from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import parse_rule, rule_numerics
from accelsim.training.optimizers import optimizer
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.workload.resize import resized


def reference_step(network: Network, batch: int) -> Callable[[], None]:
    """One training step of ours by backpropagation, ready to be called."""
    model = Model(network, 0)
    numerics, update = rule_numerics(parse_rule("bp"), model, 0), optimizer("momentum", 0.01)
    random = np.random.default_rng(0)
    images = random.standard_normal((batch, *network.input_shape)).astype(np.float32)
    labels = random.integers(0, network.output.out_shape[2], batch)

    def step() -> None:
        _, error = softmax_loss(model.forward(images), labels)
        numerics.propagate(error, labels)
        update.step(model.parameters(), model.gradients())

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="vgg16-cifar10,resnet18-cifar10")
    parser.add_argument("--widths", default="0.125,1")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'network':18} {'width':>6} {'batch':>5} {'threads':>7} {'accelsim':>10} {'PyTorch':>10} "
        f"{'ratio':>6}"
    )
    for name in options.networks.split(","):
        for width in map(float, options.widths.split(",")):
            network = resized(load_network(name), width)
            ours, theirs = (
                reference_step(network, options.batch),
                torch_step(network, options.batch),
            )
            for threads in sorted({1, min(2, numba.config.NUMBA_NUM_THREADS)}):
                numba.set_num_threads(threads)
                torch.set_num_threads(threads)
                ours()
                theirs()
                mine, other = best_of(
                    ours, theirs, options.rounds if width < 1 else max(2, options.rounds // 2)
                )
                row = (
                    f"{name:18} {width:6g} {options.batch:5} {threads:7} {mine * 1e3:7.0f} ms "
                    f"{other * 1e3:7.0f} ms {mine / other:5.2f}x"
                )
                print(row, flush=True)


if __name__ == "__main__":
    main()
