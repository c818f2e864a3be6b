"""`accelsim map`: the loop nests that a machine executes, and the pins that would fix them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from accelsim.cli import options
from accelsim.cli.arguments import Json, Optimizer, Seed
from accelsim.errors import InputError

Document = Mapping[str, Any]
OBJECTIVES = ("canonical", "cycles", "energy", "edp")


def show_mappings(
    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD",
            help="Built-in network (`accelsim list workloads`) or a file.",
            show_default=False,
        ),
    ],
    arch: Annotated[
        str,
        typer.Option(
            "--arch", metavar="A", help="Built-in machine (`accelsim list archs`) or a file."
        ),
    ] = "near-memory",
    rule: Annotated[
        str,
        typer.Option(
            "--rule", metavar="R", help="Learning rule, `name` or `name:key=value,key=value`."
        ),
    ] = "bp",
    ops: Annotated[
        str,
        typer.Option(
            "--ops",
            metavar="PATTERN",
            help="Ops to show, `*` for any letters: conv1_1.FF, conv*.EP.",
        ),
    ] = "*",
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            metavar="O",
            help="canonical, cycles, energy or edp instead of the machine's own.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="N", help="Samples a step; by default the workload's own."),
    ] = None,
    trace: Annotated[list[str], typer.Option("--trace", metavar="T", help="As in simulate.")] = [  # noqa: B006  # typer copies it
        "shipped"
    ],
    passes: Annotated[
        str, typer.Option("--passes", metavar="LIST", help="Passes of the step.")
    ] = "ff,ep,wg,wu",
    schedule: Annotated[
        str, typer.Option("--schedule", metavar="S", help="serial or unlocked.")
    ] = "serial",
    optimizer: Optimizer = "momentum",
    seed: Seed = "0",
    as_json: Json = False,
) -> None:
    """Print how ops are mapped.

    The loop nest of each contraction of a training step, outermost loop first. A tiling that was
    chosen is shown as a pin, to be kept or changed under `mapping.pins` of a machine's file.
    """
    size = None if batch is None else options.whole("--batch", batch, 1, options.LARGEST_BATCH)
    zeros, first = options.traces("--trace", trace), options.whole("--seed", seed, 0)
    settings: dict[str, Any] = {
        "passes": options.pass_list("--passes", passes),
        "schedule": options.one_of("--schedule", schedule, options.SCHEDULES),
        "optimizer": options.one_of("--optimizer", optimizer, options.OPTIMIZERS),
    }
    goal = None if objective is None else options.one_of("--objective", objective, OBJECTIVES)
    from accelsim.cli import delivery
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.machine.loading import load_architecture
    from accelsim.machine.pin_places import pins_placed

    machine = load_architecture(arch, {} if goal is None else {"mapping.objective": goal})
    with bar() as progress, pins_placed(arch, machine):
        document = experiment.simulate(
            workload,
            machine,
            rule,
            batch=size,
            trace=zeros,
            seed=first,
            progress=progress,
            **settings,
        ).to_json()
    found = list(_mapped(document, ops))
    if not found:
        raise InputError(f"--ops must match a contraction of the step, got {ops}")
    listed = {
        "schema": "accelsim.mappings/1",
        "workload": document["workload"],
        "arch": document["arch"],
        "rule": document["rule"],
        "ops": found,
    }
    delivery.show(listed, as_json, _print)


def _mapped(document: Document, pattern: str) -> Iterator[dict[str, Any]]:
    """Contractions whose names match, of all kinds of step."""
    for result in [step["result"] for step in document.get("steps", ())] or [document]:
        for op in result["ops"]:
            if "mapping" in op and fnmatchcase(op["name"], pattern):
                yield {"name": op["name"], "cycles": op["cycles"], **op["mapping"]}


def _print(document: Document) -> None:
    for index, op in enumerate(document["ops"]):
        print("\n" * (index > 0) + "\n".join(op["nest"]))
        if op["tiling"]:
            fields = ", ".join(f"{name}: {value}" for name, value in op["tiling"].items())
            print(f"  - {{op: {op['name']}, {fields}}}")
