"""Names that several rooms, files and the command line share, each written once.

Nothing is imported here but enum: the command line reads them before anything heavy.
"""

from __future__ import annotations

from enum import StrEnum


class Schedule(StrEnum):
    """How ops follow each other: one after the other, or each as soon as what it needs is done."""

    SERIAL = "serial"
    UNLOCKED = "unlocked"


class OptimizerName(StrEnum):
    """Rules of the weight update."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"


class RateSchedule(StrEnum):
    """How the learning rate changes over a training run."""

    CONSTANT = "constant"
    COSINE = "cosine"


class Component(StrEnum):
    """Parts of a machine that energies and areas are reported for, from the PE outwards."""

    MAC = "mac"
    CONTROL = "control"
    SCRATCHPAD = "scratchpad"
    NOC = "noc"
    GLOBAL_BUFFER = "global_buffer"
    DRAM = "dram"
    VECTOR = "vector"
    LEAKAGE = "leakage"
