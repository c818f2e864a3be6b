"""The command line that records and traces store, shared by train and trace."""

from __future__ import annotations

import shlex
import sys


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
