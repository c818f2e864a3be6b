"""Places of pinned mappings in the machine's file, for faults that are found when its ops are
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Architecture
from accelsim.machine.loading import place_of

_OP = re.compile(r"mapping\.pins(?: of (\S+?):|: .*\bgot ([^\s,]+))")
"""A fault of a pin, and the op that it names."""


@contextmanager
def pins_placed(given: str | Path | Architecture, machine: Architecture) -> Iterator[None]:
    """Faults of ``machine``'s pins that are raised inside get the places of the pins; as they are
    where ``given`` is no name and no file.
    """
    try:
        yield
    except InputError as error:
        if isinstance(given, Architecture):
            raise
        raise InputError(*(_placed(fault, given, machine) for fault in error.faults)) from None


def _placed(fault: Fault, given: str | Path, machine: Architecture) -> Fault:
    found = _OP.match(fault.message)
    if found is None or fault.source:
        return fault
    op = found[1] or found[2]
    # The first pin that matches holds.
    index = next(
        (index for index, pin in enumerate(machine.mapping.pins) if fnmatchcase(op, pin.op)), None
    )
    place = None if index is None else place_of(given, ("mapping", "pins", index))
    return fault if place is None else place.fault(fault.message)
