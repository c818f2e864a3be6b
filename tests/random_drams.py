"""Random DRAM timings for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from accelsim.dram.standard import FIELDS

MAPPINGS = [
    "rochrababgco",
    "rochrabacobg",
    "rorabgbachco",
    "".join(reversed(FIELDS)),
    "robacochrabg",
]
CLOCKS = (
    *("CL", "CWL", "tRCD", "tRP", "tRAS", "tRFC", "tWTR_S", "tWTR_L", "tWR", "tRTP"),
    *("tCCD_S", "tCCD_L", "tRRD_S", "tRRD_L", "tRTRS", "tPPD"),
)


@st.composite
def timings(draw: st.DrawFn, longest: int = 12) -> dict[str, Any]:
    """A table of timings of at most ``longest`` clocks each, without refresh interval."""
    clocks: dict[str, Any] = {name: draw(st.integers(1, longest)) for name in CLOCKS}
    return clocks | {
        "tCK": 1.0,
        "tFAW": draw(st.integers(1, 5 * longest)),
        "AL": draw(st.integers(0, 3)),
        "tRC": draw(st.none() | st.integers(1, 30)),
    }
