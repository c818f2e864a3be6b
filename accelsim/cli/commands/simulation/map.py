"""`accelsim map`: the loop nests that a machine executes, and the pins that would fix them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from accelsim.cli import delivery, options, values
from accelsim.cli.given_options import GivenOptions, with_options
from accelsim.cli.imports import with_import_options
from accelsim.errors import InputError
from accelsim.experiment.setting import MACHINE, RULE, Setting

Document = Mapping[str, Any]


@with_import_options("workload")
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
    """Print how ops are mapped, and at what cost.

    Shows the loop nest of each contraction of a training step, outermost loop first, and its
    simulated cycles and energy. A tiling that the mapper chose is also shown as a pin, which you
    can copy to `mapping.pins` of a machine file and edit; below it stand the cost that the mapper
    expected, and that of the mapping that came second.
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
        print("\n".join(_searched(document, mappings)), file=sys.stderr)


def _searched(document: Document, mappings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines that say what was searched for the shown ops, and with which outcome."""
    searches = [result["search"] for result in _kinds(document) if "search" in result]
    if not searches:
        yield "objective canonical: nothing was searched; pins apply"
        return
    other = sum(each["tiling"] is not None for each in mappings)
    yield (
        f"objective {searches[0]['objective']}: loop orders and tile sizes were searched for every "
        f"op that has a choice; {other} of {len(mappings)} ops got another mapping than the "
        "canonical one"
    )
    for search in searches:
        places = f"order {', '.join(search['order'])}; stash {search['stash']}"
        places += f"; DRAM {search['arbitration']}"
        for name, words in (("single", "without copies"), ("evicted", "in DRAM")):
            places += f"; {words}: {', '.join(search[name])}" if search[name] else ""
        yield f"places: {places} ({search['tries']} others were planned)"
        before, after = search["canonical"], search["chosen"]
        yield (
            f"expected for the step: {after['cycles']:,.0f} cycles, "
            f"{after['energy_pj'] / 1e6:,.2f} uJ; canonical {before['cycles']:,.0f} cycles, "
            f"{before['energy_pj'] / 1e6:,.2f} uJ"
        )


def _kinds(document: Document) -> list[Document]:
    """The results of all kinds of step."""
    return [step["result"] for step in document.get("steps", ())] or [document]


def _mappings(document: Document, pattern: str) -> Iterator[dict[str, Any]]:
    """Mappings of the contractions with matching names, in all kinds of step."""
    for result in _kinds(document):
        for op in result["ops"]:
            if "mapping" in op and fnmatchcase(op["name"], pattern):
                cost = {name: op[name] for name in ("name", "cycles", "energy_pj")}
                yield cost | op["mapping"]


def _print(document: Document) -> None:
    for index, op in enumerate(document["ops"]):
        print("\n" * (index > 0) + "\n".join(op["nest"]))
        print(f"  simulated: {_cost(op)}")
        if op["tiling"]:
            print(f"  - {{op: {op['name']}, {_fields(op['tiling'])}}}")
        if "choice" in op:
            _print_choice(op["choice"])


def _print_choice(choice: Document) -> None:
    """What the mapper expected of its choice, and of the mapping that came second."""
    expected, second = choice["expected"], choice["runner_up"]
    print(f"  expected: {_cost(expected)}, {_densities(choice['density'])}")
    if choice["in_parts"]:
        print("  words that do not fit the staging buffer pass it in parts of a tile")
    if second is None:
        print("  no other mapping")
        return
    more = {
        name: f"{100 * (second[name] / expected[name] - 1):+.1f} %" if expected[name] else "-"
        for name in ("cycles", "energy_pj")
    }
    tiling = f"{{{_fields(second['tiling'])}}}" if second["tiling"] else "canonical"
    print(f"  second: {more['cycles']} cycles, {more['energy_pj']} energy: {tiling}")


def _cost(of: Document) -> str:
    return f"{of['cycles']:,.0f} cycles, {of['energy_pj'] / 1e6:,.3f} uJ"


def _densities(density: Document) -> str:
    return "densities " + ", ".join(f"{name} {value:.2f}" for name, value in density.items())


def _fields(tiling: Document) -> str:
    return ", ".join(f"{name}: {value}" for name, value in tiling.items())
