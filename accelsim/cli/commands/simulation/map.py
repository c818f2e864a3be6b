"""`accelsim map`: the loop nests that a machine executes, and the pins that would fix them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from accelsim.cli import delivery, options, values
from accelsim.cli.given_options import GivenOptions, with_options
from accelsim.errors import InputError
from accelsim.experiment.setting import MACHINE, RULE, Setting

Document = Mapping[str, Any]


@with_options(Setting)
def show_mappings(
    workload: options.Workload,
    *,
    arch: options.Machine = MACHINE,
    rule: options.Rule = RULE,
    ops: Annotated[
        str,
        typer.Option(
            "--ops",
            metavar="PATTERN",
            help="Names of ops to show; `*` matches any letters: conv1_1.FF, conv*.EP.",
        ),
    ] = "*",
    settings: GivenOptions,
    as_json: options.Json = False,
) -> None:
    """Print how ops are mapped.

    Shows the loop nest of each contraction of a training step, outermost loop first. A tiling that
    the mapper chose is also shown as a pin, which you can copy to `mapping.pins` of a machine file
    and edit.
    """
    faults = values.Faults()
    step = settings.read(faults)
    faults.refuse()
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.machine.loading import load_machine
    from accelsim.machine.pin_places import pins_placed

    machine = load_machine(arch)
    with bar() as progress, pins_placed(arch, machine):
        result = experiment.simulate(workload, machine, rule=rule, **step, progress=progress)
        document = result.to_json()
    mappings = list(_mappings(document, ops))
    if not mappings:
        raise InputError(f"--ops must match a contraction of the step, got {ops}")
    shown = {
        "schema": "accelsim.mappings/1",
        "workload": document["workload"],
        "arch": document["arch"],
        "rule": document["rule"],
        "ops": mappings,
    }
    delivery.show(shown, as_json, _print)
    if not as_json:
        objective = machine.with_objective(step["objective"]).mapping.objective
        print(_searched(objective, mappings), file=sys.stderr)


def _searched(objective: str, mappings: Sequence[Mapping[str, Any]]) -> str:
    """The line that says what was searched for the shown ops, and with which outcome."""
    if objective == "canonical":
        return "objective canonical: nothing was searched; pins apply"
    other = sum(each["tiling"] is not None for each in mappings)
    return (
        f"objective {objective}: loop orders and tile sizes were searched for every op that has a "
        f"choice; {other} of {len(mappings)} ops got another mapping than the canonical one"
    )


def _mappings(document: Document, pattern: str) -> Iterator[dict[str, Any]]:
    """Mappings of the contractions with matching names, in all kinds of step."""
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
