"""Speed as a user meets it: `python tests/bench/command_line.py [repeats]` prints seconds of
commands, best of the repeats, start-up included.
"""

from __future__ import annotations

import subprocess
import sys
import time

COMMANDS = (
    "--help",
    "list workloads",
    "simulate mnist-fc --trace random:0.5 --json",
    "simulate vgg16-cifar10 --trace random:0.5 --json",
    "compare vgg16-cifar10 --trace random:0.5 --rules bp,dfa,ssdfa --json",
    "simulate resnet50-imagenet --trace random:0.5 --json",
)


def seconds(command: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "accelsim", *command.split()], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def main(repeats: int) -> None:
    for command in COMMANDS:
        print(
            f"{min(seconds(command) for _ in range(repeats)):8.2f} s  accelsim {command}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
