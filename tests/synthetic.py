"""Small result documents that satisfy every law, computed from a few numbers, for tests of code
that reads documents.
"""

from __future__ import annotations

from typing import Any

from accelsim.results.op import CAUSES, PASSES

PRICES = {
    "mac": 0.4,
    "control": 0.1,
    "scratchpad": 0.9,
    "noc": 0.05,
    "global_buffer": 0.2,
    "dram": 1.5,
    "vector": 0.1,
    "leakage": 0.02,
}
"""pJ per MAC by component."""
HOP, LEAKAGE = 2.0, 0.5
"""pJ per word over the NoC, and per cycle between ops."""
AREAS = {
    "mac": 2.0,
    "control": 1.5,
    "scratchpad": 8.0,
    "noc": 0.25,
    "global_buffer": 4.0,
    "vector": 0.5,
}
"""mm2 by component."""
IDLE_CYCLES = 247
LANES = 2
_MACS = ("dense", "effectual", "executed", "skipped", "gated")
_WORDS = ("local", "remote", "global_buffer", "dram")
_BYTES = (
    "dram_read",
    "dram_write",
    "global_buffer_read",
    "global_buffer_write",
    "scratchpad_read",
    "scratchpad_write",
)


COMPONENTS = tuple(PRICES)


def op(
    name: str, layer: str, pass_: str, start: int, busy: int, dense: int, remote: int
) -> dict[str, Any]:
    """An op whose counts all follow from four numbers."""
    array = {"busy": busy, "window_empty": busy // 4, "imbalance": busy // 5, "idle": busy // 10}
    stall = {"dram": busy // 8, "noc": remote // 16, "bank": 0, "dependency": 0, "drain": 3}
    executed = LANES * busy
    energy = {name: dense * price for name, price in PRICES.items()}
    energy["noc"] += HOP * remote
    return {
        "name": name,
        "layer": layer,
        "pass": pass_,
        "kind": "conv",
        "start_cycle": start,
        "cycles": sum(array.values()) + sum(stall.values()),
        "array_cycles": {**array, "stall": stall},
        "lane_cycles": {
            name: LANES * cycles
            for name, cycles in (
                array | {f"stall_{cause}": waiting for cause, waiting in stall.items()}
            ).items()
        },
        "macs": {
            "dense": dense,
            "effectual": executed,
            "executed": executed,
            "skipped": dense - executed,
            "gated": executed // 7,
        },
        "words": {
            "local": 2 * dense,
            "remote": remote,
            "global_buffer": dense // 9,
            "dram": dense // 30,
        },
        "bytes": dict(
            zip(
                _BYTES,
                (dense // 15, dense // 40, dense // 9, dense // 9, 4 * dense, dense),
                strict=True,
            )
        ),
        "energy_pj": sum(energy.values()),
        "energy_by_component_pj": energy,
    }


def result(
    rule: str = "bp",
    arch: str = "near-memory",
    scale: int = 100_000,
    remote_ep: int = 40_000,
    **changes: Any,
) -> dict[str, Any]:
    """A result of a network with two layers. ``remote_ep``: words of EP that travel between PEs.
    ``scale``: work of one layer in one pass.
    """
    ops: list[dict[str, Any]] = []
    cycle = 0
    for pass_, share in zip(PASSES, (1.0, 0.8, 1.1, 0.02), strict=True):
        for layer in ("conv1", "conv2"):
            remote = remote_ep if pass_ == "EP" else 0
            ops.append(
                op(
                    f"{layer}.{pass_}",
                    layer,
                    pass_,
                    cycle,
                    int(scale * share / 8),
                    int(scale * share),
                    remote,
                )
            )
            cycle += ops[-1]["cycles"]
    leakage = LEAKAGE * IDLE_CYCLES
    passes = {name: _totals([entry for entry in ops if entry["pass"] == name]) for name in PASSES}
    whole = _totals(ops)
    whole["energy_by_component_pj"]["leakage"] += leakage
    document = {
        "schema": "accelsim.result/1",
        "version": "0",
        "config_hash": "0123abcd",
        "seed": 0,
        "workload": "two-layers",
        "arch": arch,
        "rule": rule,
        "batch": 1,
        "trace": "shipped",
        "schedule": "serial",
        "interval_cycles": cycle,
        "seconds": cycle / 800e6,
        "area_mm2": sum(AREAS.values()),
        "area_by_component_mm2": {**AREAS, "dram": None},
        "peak_stash_bytes": 65_536,
        "unattributed_pj": leakage,
        **whole,
        "energy_pj": whole["energy_pj"] + leakage,
        "tensors": [
            {
                "name": "input",
                "role": "activation",
                "bytes": 6_144,
                "place": "dram",
                "words_by_cause": {"operand": whole["words"]["dram"]},
            }
        ],
        "passes": passes,
        "accountings": {},
        "array_cycles": {
            **{
                cause: sum(entry["array_cycles"][cause] for entry in ops)
                for cause in CAUSES
                if not cause.startswith("stall_")
            },
            "stall": {
                cause: sum(entry["array_cycles"]["stall"][cause] for entry in ops)
                for cause in ops[0]["array_cycles"]["stall"]
            },
        },
        "actions": {
            **{f"{name}.macs": whole["macs"]["dense"] for name in COMPONENTS},
            "noc.hop": whole["words"]["remote"],
            "leakage.cycles": IDLE_CYCLES,
        },
        "ops": ops,
        "energy_sources": [
            *(
                {
                    "component": name,
                    "action": "macs",
                    "pj": pj,
                    "source": "a table of a paper",
                    "verified": True,
                }
                for name, pj in PRICES.items()
            ),
            {
                "component": "noc",
                "action": "hop",
                "pj": HOP,
                "source": "an estimate",
                "verified": False,
            },
            {
                "component": "leakage",
                "action": "cycles",
                "pj": LEAKAGE,
                "source": "a table of a paper",
                "verified": True,
            },
        ],
    }
    document["area_sources"] = [
        {
            "component": name,
            "part": "all",
            "mm2": mm2,
            "source": "a table of a paper",
            "verified": name != "noc",
        }
        for name, mm2 in AREAS.items()
    ]
    return document | changes


def comparison(*results: dict[str, Any]) -> dict[str, Any]:
    """A comparison of the results, by default of bp, dfa and ssdfa. The first one is
    the baseline.
    """
    results = results or (
        result("bp"),
        result("dfa", scale=80_000, remote_ep=900),
        result("ssdfa", scale=70_000, remote_ep=20),
    )
    base = results[0]
    ratios = {
        entry["rule"]: {key: entry[key] / base[key] for key in ("cycles", "energy_pj")}
        for entry in results[1:]
    }
    return {
        "schema": "accelsim.comparison/1",
        "baseline": base["rule"],
        "results": list(results),
        "ratios": ratios,
    }


def hybrid(p: float = 0.25) -> dict[str, Any]:
    """A result of a hybrid rule: two kinds of step and their weighted mean."""
    steps = [
        ("bp", p, result("bp")),
        ("revised", 1 - p, result("revised", scale=60_000, remote_ep=0)),
    ]
    mean: dict[str, Any] = _mean([(weight, entry) for _, weight, entry in steps])
    del mean["ops"], mean["tensors"]
    return mean | {
        "rule": f"hdfa:p={p}",
        "steps": [
            {"kind": kind, "weight": weight, "result": entry} for kind, weight, entry in steps
        ],
    }


def _totals(ops: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cycles": sum(entry["cycles"] for entry in ops),
        "vector_ops": 0,
        **{
            group: {key: sum(entry[group][key] for entry in ops) for key in keys}
            for group, keys in (("macs", _MACS), ("words", _WORDS), ("bytes", _BYTES))
        },
        "energy_pj": sum(entry["energy_pj"] for entry in ops),
        "energy_by_component_pj": {
            name: sum(entry["energy_by_component_pj"][name] for entry in ops) for name in COMPONENTS
        },
    }


def _mean(parts: list[tuple[float, Any]]) -> Any:
    first = parts[0][1]
    if isinstance(first, dict):
        return {key: _mean([(weight, value[key]) for weight, value in parts]) for key in first}
    if (
        isinstance(first, (int, float))
        and not isinstance(first, bool)
        and {weight * value for weight, value in parts}
    ):
        return (
            first
            if all(value == first for _, value in parts)
            else sum(weight * value for weight, value in parts)
        )
    return first


def array_cycles(document: dict[str, Any]) -> int:
    """Array cycles of all ops and causes in a document."""
    return sum(
        sum(entry["array_cycles"]["stall"].values())
        + sum(entry["array_cycles"][cause] for cause in CAUSES if not cause.startswith("stall_"))
        for entry in document["ops"]
    )
