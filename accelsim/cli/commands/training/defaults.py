"""Shared by train and trace: the default recipe, and the command that records keep."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelsim.workload.network import Network


def usual_optimizer_and_rate(workload: Network) -> tuple[str, float]:
    """Optimizer and learning rate for who names none: Adam for text, as in Han et al. 2020."""
    return ("adam", 0.002) if workload.vocabulary else ("momentum", 0.003)


def recorded_command() -> str:
    """The command line without the options that do not change the numbers: --out, --threads and
    --resume.
    """
    words, given = ["accelsim"], iter(sys.argv[1:])
    for word in given:
        if word in ("--out", "--threads"):
            next(given, None)
        elif word != "--resume" and not word.startswith(("--out=", "--threads=")):
            words.append(word)
    return shlex.join(words)
