"""Places of pinned mappings in the machine's file, for faults that appear only once its ops are
known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import place_of

_OP = re.compile(r"mapping\.pins(?: of (\S+?):|: .*\bgot ([^\s,]+))")
"""Matches a fault of a pin; the groups capture the op's name."""


@contextmanager
def pins_placed(given: str | Path | Machine, machine: Machine) -> Iterator[None]:
    """Add the pins' places to faults of ``machine``'s pins that are raised in the context.

    Faults stay as they are if ``given`` is an Machine instead of a name or a file.
    """
    try:
        yield
    except InputError as error:
        if isinstance(given, Machine):
            raise
        raise InputError(*(_placed(fault, given, machine) for fault in error.faults)) from None


def _placed(fault: Fault, given: str | Path, machine: Machine) -> Fault:
    match = _OP.match(fault.message)
    if match is None or fault.source:
        return fault
    op = match[1] or match[2]
    # The first matching pin applies.
    index = next(
        (index for index, pin in enumerate(machine.mapping.pins) if fnmatchcase(op, pin.op)), None
    )
    place = None if index is None else place_of(given, ("mapping", "pins", index))
    return fault if place is None else place.fault(fault.message)
