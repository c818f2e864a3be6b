"""Areas beside published ones: expected, measured, deviation."""

from __future__ import annotations

import pytest

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips.area import checks, published

CHECKS = checks()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.subject}, {check.quantity}")
def test_an_area_is_near_the_published_one(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.expected is not None
    with capsys.disabled():
        deviation = f"{check.measured / check.expected - 1:+.1%}"
        print(
            f"\n{check.subject}, {check.quantity}: {check.expected:g} {check.unit} published, "
            f"{check.measured:.4g} here, {deviation}",
            end="",
        )
    assert check.holds is not False


def test_eie_s_modules_and_kinds_add_up_to_its_pe() -> None:
    """The transcription is right: modules with filler, and kinds, are the whole PE."""
    mm2 = {key: value for key, (value, _) in published().items()}
    queue, filler = 0.000758, 0.023961
    assert sum(
        mm2[f"eie-{part}"] for part in ("spmat", "ptr", "act", "arithm")
    ) + queue + filler == pytest.approx(mm2["eie-pe"], abs=1e-9)
    assert 64 * mm2["eie-pe"] == pytest.approx(mm2["eie"], rel=0.001)


def test_figures_from_memory_have_no_limit() -> None:
    for check in CHECKS:
        assert check.holds is None or "memory, unverified" not in check.source
