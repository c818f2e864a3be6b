"""An invented reproduction document with every kind of cell and panel."""

from __future__ import annotations

from typing import Any

HOSTILE = "<script>alert('x')</script> & \"q\" | `c` *b* _i_"


def item(id_: str = "tab-a/net/BP", **changes: Any) -> dict[str, Any]:
    """A cell whose match is exact, with ``changes``."""
    made = {
        "target": "tab",
        "id": id_,
        "unit": "MB",
        "printed": "56.13",
        "computed": 56.12890625,
        "rounded": "56.13",
        "match": "exact",
        "accounting": "weights-once",
        "note": "",
        "documented": False,
        "context": {},
    }
    return made | changes


def series(label: str, x: list[Any], y: list[Any], **more: Any) -> dict[str, Any]:
    return {"label": label, "x": x, "y": y, "end": [], "names": []} | more


def panel(kind: str, *curves: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {
        "title": f"A  {kind}",
        "kind": kind,
        "x_label": "x",
        "y_label": "y",
        "series": list(curves),
        "log_x": False,
        "log_y": False,
    }
    return made | more


def panels() -> dict[str, list[dict[str, Any]]]:
    """Panels of every kind, by the id of their figure."""
    rules = ["BP", "DFA", "SSDFA"]
    grouped = panel(
        "bars",
        series("energy", rules, [1.0, 0.8, 0.75]),
        series("cycles", rules, [1.0, 1.01, None]),
    )
    log = panel("bars", series("words", rules, [58_632_144, 9_192_000, 0]), log_y=True)
    below = panel(
        "bars",
        series(
            "change", ["a long name of a network", "another long name", "third"], [-3.2, 4.0, 0.0]
        ),
    )
    lines = panel(
        "lines",
        series("DFA", [1, 2, 4, 8, 16, 32, 64], [0.9, 1.0, 1.3, 1.8, 2.6, 3.0, 3.1]),
        series("SSDFA", [1, 2, 4, 8, 16, 32, 64], [1.0, 1.3, 1.9, 3.1, 5.4, 6.0, None]),
        log_x=True,
    )
    long = panel(
        "lines",
        series("loss", list(range(1, 101)), [100 / n for n in range(1, 101)]),
        log_y=True,
        title="B  every epoch",
    )
    names = [
        "BP",
        "DFA",
        "convolutional DFA",
        "+ modules",
        "dilated",
        "grouped, 4",
        "grouped, 8",
        "HDFA 0.1",
        "HDFA 0.3",
        "HDFA 0.5",
    ]
    megabytes = [56.1, 7.0, 3.2, 3.1, 1.1, 0.54, 0.27, 6.1, 17.2, 28.3]
    points = panel(
        "scatter",
        series(
            "VGG16",
            megabytes,
            [92.7, 77.8, 78.1, 78.6, 77.4, 76.9, 77.5, 87.9, 90.2, 91.1],
            names=names,
        ),
        series(
            "ResNet-18",
            [42.6, 25.4, 0.43, 0.23, 4.65, 13.1, 21.5],
            [92.7, 66.2, 79.1, 79.0, 88.4, 91.1, 91.8],
            names=[*names[:2], *names[5:]],
        ),
        x_label="memory of error propagation (MB)",
        y_label="test accuracy (%)",
        log_x=True,
    )
    spans = panel(
        "timeline",
        series("FF", [0, 0], ["BP", "DFA"], end=[100, 100]),
        series("EP", [100, 100], ["BP", "DFA"], end=[200, 110]),
        series("WG", [200, 110], ["BP", "DFA"], end=[300, 210]),
        x_label="cycles",
        y_label="",
    )
    return {
        "bars": [grouped, log, below],
        "lines": [lines, long],
        "scatter": [points],
        "timeline": [spans],
    }


def document(**changes: Any) -> dict[str, Any]:
    """The document. All five cells with a printed value have the expected match; ``changes``
    replace keys.
    """
    claim = {"target": "claims", "unit": "x"}
    items = [
        item(),
        item(
            "tab-a/net/HDFA",
            printed="17.22",
            computed=17.214306640625,
            rounded="17.22",
            match="within-rounding",
            note="mean of the rounded cells",
        ),
        item(
            "tab-a/net/G8",
            printed="5.87",
            computed=5.854,
            rounded="5.85",
            match="mismatch",
            documented=True,
            note="a misprint",
        ),
        item("tab-a/net/new", printed=None, computed=89.5, rounded="89.50", match="not-printed"),
        item(
            "tab-b/net/MACs",
            unit="MAC",
            printed="58703872",
            computed=58703872,
            rounded="58703872",
            accounting="neuron",
        ),
        item(
            "claim",
            **claim,
            printed=None,
            computed=1.25,
            rounded="1.3",
            match="not-printed",
            context={"machine": "near-memory", "batch": 1},
        ),
        item(
            "other",
            **claim,
            printed="50",
            computed=None,
            rounded=None,
            match="mismatch",
            documented=True,
            note=HOSTILE,
        ),
    ]
    figures = [
        {
            "target": "tab",
            "id": name,
            "title": f"Figure of {name}",
            "caption": f"Of {HOSTILE}.",
            "panels": of,
        }
        for name, of in panels().items()
    ]
    made = {
        "schema": "accelsim.reproduction/1",
        "version": "0.1.0",
        "command": "accelsim reproduce all",
        "targets": [
            {
                "name": "tab",
                "title": "A paper, table 1",
                "about": "What `printed` means. Units are |W| and a < b.",
            },
            {"name": "claims", "title": HOSTILE, "about": HOSTILE},
        ],
        "items": items,
        "figures": figures,
    }
    return made | changes
