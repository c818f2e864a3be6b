"""The README holds what it shows: commands and options exist, targets of make exist, the machine is
right, the result's keys are real.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from accelsim.cli.app import app
from accelsim.cli.file_kinds import faults

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}(?: [^\n]*)?\n(.*?)```", README, re.DOTALL)


COMMANDS = [
    line.split("#")[0].strip()
    for block in blocks("sh")
    for line in block.splitlines()
    if line.strip()
]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("accelsim ")])
def test_a_command_line_of_the_readme_can_be_parsed(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # the app has several commands, hence a group
    context = commands[name].make_context(name, arguments)
    assert context.params


def test_every_command_is_in_the_readme() -> None:
    shown = {line.split()[1] for line in COMMANDS if line.startswith("accelsim ")}
    assert shown == {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    }


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)`", README)) | {
        line.split()[1] for line in COMMANDS if line.startswith("make ")
    }
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_machine_of_the_readme_is_right(tmp_path: Path) -> None:
    (block,) = blocks("yaml")
    path = tmp_path / "my-chip.yaml"
    path.write_text(block)
    assert faults(path) == []


def test_files_that_the_readme_names_exist() -> None:
    named = re.findall(
        r"`((?:accelsim|docs|tests|workloads|arch_configs)/[\w/.-]*|LICENSE)`", README
    )
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_excerpt_of_the_headline_is_that_of_the_report() -> None:
    report = (ROOT / "reports" / "headline" / "README.md").read_text(encoding="utf-8")
    section = README.partition("## The headline")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(rows) > 4
    assert [row for row in rows if row not in report.splitlines()] == []


def test_every_dependency_is_justified() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    stubs = {"types-PyYAML", "scipy-stubs"}
    assert [
        name
        for name in (re.split(r"[<>=\[; ]", each)[0] for each in listed)
        if name not in stubs and name not in decisions
    ] == []


def test_the_demo_prints_what_the_readme_shows() -> None:
    (shown,) = blocks("text")
    command = [
        sys.executable,
        "-m",
        "accelsim",
        "compare",
        "vgg16-cifar10",
        "--arch",
        "near-memory",
        "--rules",
        "bp,dfa,ssdfa",
    ]
    environment = {
        key: value for key, value in os.environ.items() if key not in {"FORCE_COLOR", "COLUMNS"}
    }
    printed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    expected = shown.rstrip().splitlines()
    assert len(expected) <= 30
    assert [line.rstrip() for line in printed.splitlines()][: len(expected)] == expected
