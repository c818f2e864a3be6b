"""Building a design with Icarus Verilog and running its bench over many tiles in one simulation,
with cocotb.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "rtl"

Tile = dict[str, Any]
"""What a bench drives, and what the model expects: `cycles` and `results` (integers)."""


@dataclass(frozen=True)
class Outcome:
    """What the bench of one design compared, and the tiles that differ from the model: index and
    text.
    """

    tiles: int
    cycles: int
    results: int
    faults: list[tuple[int, str]]


def missing_tool() -> str | None:
    """Why nothing can be simulated here, if so."""
    if importlib.util.find_spec("cocotb") is None:
        return "cocotb is not installed (make test-rtl)"
    if shutil.which("iverilog") is None:
        return "Icarus Verilog is not installed (make test-rtl)"
    return None


def simulate(
    top: str, bench: str, parameters: Mapping[str, int], tiles: Sequence[Tile], name: str = ""
) -> Outcome:
    """Drive every tile through module ``top`` of ``top``.sv; the simulation fails exactly when a
    tile differs.

    Products of the build, the log and (with WAVES=1) the waves go to build/rtl/<top>-<parameters>.
    """
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    label = "-".join(
        [
            top,
            *(f"{key.lower()}{value}" for key, value in parameters.items()),
            *filter(None, [name]),
        ]
    )
    folder = BUILD / label
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stimulus, outcome, log, results = (
        folder / file for file in ("tiles.json", "outcome.json", "simulation.log", "results.xml")
    )
    stimulus.write_text(json.dumps(tiles), encoding="utf-8")
    runner = get_runner("icarus")
    built = folder / "build.log"
    sources = [HERE / f"{top}.sv"]
    try:
        runner.build(
            sources=sources,
            hdl_toplevel=top,
            parameters=parameters,
            build_args=["-Wall"],
            build_dir=folder,
            timescale=("1ns", "1ns"),
            log_file=built,
        )
    except RuntimeError as fault:
        raise RuntimeError(built.read_text(encoding="utf-8")) from fault
    environment = {
        "RTL_TILES": str(stimulus),
        "RTL_OUTCOME": str(outcome),
        "COCOTB_LOG_LEVEL": "WARNING",
    }
    with suppress(
        SystemExit
    ):  # the runner leaves so when a test of the bench failed: what failed stands in the results
        runner.test(
            test_module=f"tests.rtl.{bench}",
            hdl_toplevel=top,
            test_dir=folder,
            results_xml=str(results),
            extra_env=environment,
            log_file=log,
        )
    assert outcome.is_file(), f"the simulation broke off, see {log}"
    found = Outcome(**json.loads(outcome.read_text(encoding="utf-8")))
    assert get_results(results) == (1, int(bool(found.faults))), (
        f"the simulation and its comparison disagree, see {log}"
    )
    return found
