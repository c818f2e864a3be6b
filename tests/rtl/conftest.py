"""Tests of the RTL skip where they cannot run, and say at the end what was compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rtl.simulation import Outcome, missing_tool

KEY = "rtl"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs cocotb and Icarus Verilog where they are not installed, saying so."""
    reason = missing_tool()
    for item in items:
        if reason and item.get_closest_marker("rtl"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def compared(record_property: Callable[[str, object], None]) -> Callable[[str, Outcome], None]:
    """Notes an outcome for the summary, under the name of its design."""
    return lambda design, outcome: record_property(
        KEY, (design, outcome.tiles, outcome.cycles, outcome.results)
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a design: tiles, cycles and results that are equal in RTL and model."""
    totals: dict[str, list[int]] = {}
    for report in terminalreporter.stats.get("passed", []):
        for key, value in report.user_properties:
            if key == KEY:
                counts = totals.setdefault(value[0], [0, 0, 0])
                totals[value[0]] = [
                    count + more for count, more in zip(counts, value[1:], strict=True)
                ]
    for design, (tiles, cycles, results) in sorted(totals.items()):
        terminalreporter.write_line(
            f"{design}: {tiles} tiles, {cycles} cycles and {results} results equal the model's"
        )
