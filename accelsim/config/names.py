"""Names shared by rooms, files and the command line, each defined once.

Imports only enum, because the command line reads the names before anything slow is loaded.
"""

from __future__ import annotations

from enum import StrEnum


class Schedule(StrEnum):
    """Order of ops: one after another, or each as soon as its dependencies are done."""

    SERIAL = "serial"
    UNLOCKED = "unlocked"


class OptimizerName(StrEnum):
    """Optimizers of the weight update."""

    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"
    ADAMW = "adamw"
    LION = "lion"


class RateSchedule(StrEnum):
    """Schedule of the learning rate over a training run."""

    CONSTANT = "constant"
    COSINE = "cosine"


class Component(StrEnum):
    """Parts of a machine for which energies and areas are reported, from the PE outwards."""

    MAC = "mac"
    CONTROL = "control"
    SCRATCHPAD = "scratchpad"
    NOC = "noc"
    GLOBAL_BUFFER = "global_buffer"
    DRAM = "dram"
    VECTOR = "vector"
    LEAKAGE = "leakage"
