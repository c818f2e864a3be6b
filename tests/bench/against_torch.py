"""simulate() beside PyTorch's execution of the same training step, interleaved, best of several:
`python tests/bench/against_torch.py`.

Ours is everything: lowering, mapping, all four passes, memories, energy, laws, with the trace in
memory and kernels compiled. Theirs is forward, backward and an SGD step with momentum, float32.
Needs PyTorch (`make bench` uses the environment of `make test-torch`).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numba
import torch
from torch import nn

from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.machine.loading import load_machine
from accelsim.workload.loading import load_network
from accelsim.workload.network import INPUT, Layer, Network


def _module(layer: Layer) -> nn.Module:
    (_, _, channels), (_, _, outputs) = layer.in_shape, layer.out_shape
    top, bottom, left, right = layer.padding
    pad: nn.Module = (
        nn.Identity()
        if (top, left) == (bottom, right)
        else nn.ZeroPad2d((left, right, top, bottom))
    )
    own = (top, left) if (top, left) == (bottom, right) else (0, 0)
    if layer.kind == "conv":
        return nn.Sequential(
            pad,
            nn.Conv2d(
                channels,
                outputs,
                layer.kernel,
                layer.stride,
                own,
                layer.dilation,
                layer.groups,
                bias=False,
            ),
        )
    if layer.kind == "fc":
        return nn.Sequential(nn.Flatten(), nn.Linear(layer.weight_shape[1], outputs, bias=False))
    if layer.kind == "max_pool":
        return nn.Sequential(pad, nn.MaxPool2d(layer.kernel, layer.stride, own))
    if layer.kind == "avg_pool":
        return nn.AvgPool2d(layer.kernel, layer.stride)
    return {
        "batch_norm": lambda: nn.BatchNorm2d(channels),
        "global_avg_pool": lambda: nn.AdaptiveAvgPool2d(1),
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
    }[layer.kind]()


class Graph(nn.Module):
    """The network's layers as PyTorch modules."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.parts = nn.ModuleDict(
            {layer.name: _module(layer) for layer in network.layers if layer.kind != "add"}
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = {INPUT: images}
        for layer in self.network.layers:
            inputs = [maps[name] for name in layer.inputs]
            maps[layer.name] = (
                sum(inputs[1:], inputs[0])
                if layer.kind == "add"
                else self.parts[layer.name](inputs[0])
            )
        return maps[self.network.output.name].flatten(1)


def torch_step(network: Network, batch: int) -> Callable[[], None]:
    """One training step in PyTorch, ready to be called."""
    torch.manual_seed(0)
    model = Graph(network).train()
    if batch == 1:
        # PyTorch refuses to normalise a single value; on fixed statistics, its cheaper mode, it
        # need not.
        for part in model.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    height, width, channels = network.input_shape
    images, labels = (
        torch.randn(batch, channels, height, width),
        torch.randint(0, network.output.out_shape[2], (batch,)),
    )

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def best_of(
    first: Callable[[], object], second: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Least seconds of each, taking turns."""
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for index, work in enumerate((first, second)):
            start = time.perf_counter()
            work()
            best[index] = min(best[index], time.perf_counter() - start)
    return best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default="vgg16-cifar10,resnet18-cifar10")
    parser.add_argument("--rules", default="bp,dfa")
    parser.add_argument("--batches", default="1")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    machine = load_machine("near-memory")
    print(
        f"{'network':18} {'rule':6} {'batch':>5} {'threads':>7} {'accelsim':>10} {'PyTorch':>10} "
        f"{'ratio':>6} {'peak RSS':>9}"
    )
    for name in options.networks.split(","):
        network = load_network(name)
        for batch in map(int, options.batches.split(",")):
            trace = random_trace(network, 0.5, min(batch, 4), 0)
            theirs = torch_step(network, batch)
            for rule in options.rules.split(","):
                for threads in sorted({1, min(2, numba.config.NUMBA_NUM_THREADS)}):
                    numba.set_num_threads(threads)
                    torch.set_num_threads(threads)

                    def ours(rule: str = rule) -> object:
                        return simulate(
                            network,
                            machine,
                            rule=rule,
                            batch=batch,
                            trace=trace,
                            trace_any_rule=True,
                        )

                    ours()
                    theirs()
                    mine, other = best_of(
                        ours, theirs, options.rounds if batch == 1 else max(2, options.rounds // 3)
                    )
                    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                    print(
                        f"{name:18} {rule:6} {batch:5} {threads:7} {mine * 1e3:7.0f} ms "
                        f"{other * 1e3:7.0f} ms {mine / other:5.2f}x {rss:5.0f} MiB",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
