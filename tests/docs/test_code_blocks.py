"""Every block of code in docs/ and the README runs, or says why not.

The blocks of a page run in order, in one folder of their own, so that a command can use the file
that a block above it holds:

* ``yaml``: a whole file, saved under its ``name`` and checked, with the plug-in of
  ``plugin=FILE``;
* ``csv``: a file of DRAM requests, saved as requests.csv, or a file of the name given;
* ``python``: run in the page's own namespace;
* ``python FILE``: a part of that file of examples/;
* ``sh`` and ``console``: every accelsim command runs and exits with 0, or with N of ``exit=N``;
  what it prints begins with the lines that a console shows below it; targets of make exist;
* ``sh no-run REASON``: the commands are parsed; ``python no-run REASON``: the code is compiled.

``NOT_RUN`` lists what does not run, so that the list is seen to grow.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main

from accelsim import plugin
from accelsim.cli import progress
from accelsim.cli.app import app, main
from accelsim.cli.file_kinds import faults

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {
    "README.md": 2,
    "machines.md": 2,
    "onnx.md": 1,
    "reproduce.md": 1,
    "results.md": 1,
    "rtl.md": 1,
}
"""Blocks of each page that do not run."""
SHOWN = {"", "text", "json", "sv", "costs", "depth 1", "depth 2", "depth 8"}
"""Blocks that hold no code: drawings, documents, output."""
TARGETS = set(
    re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)


class Block(NamedTuple):
    """A block: its language, the rest of its first line, and its text."""

    language: str
    marks: str
    text: str

    @property
    def runs(self) -> bool:
        return not self.marks.startswith("no-run")

    @property
    def exit_code(self) -> int:
        """The exit code that every command of the block has."""
        found = re.search(r"\bexit=(\d+)", self.marks)
        return int(found[1]) if found else 0

    def commands(self) -> list[tuple[list[str], list[str]]]:
        """The words of each command, in a console those after ``$``, and the lines shown below."""
        lines = self.text.replace("\\\n", " ").splitlines()
        found: list[tuple[list[str], list[str]]] = []
        for line in lines:
            if self.language == "console" and not line.startswith("$ "):
                found[-1][1].append(line)
            elif words := shlex.split(line.removeprefix("$ "), comments=True):
                found.append((words, []))
        return found


def blocks(page: Path) -> list[Block]:
    found = re.findall(
        r"^```(.*)\n((?:.*\n)*?)```$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    split = [(first, text) for first, text in found if first not in SHOWN]
    return [Block(first.partition(" ")[0], first.partition(" ")[2], text) for first, text in split]


def parse(command: list[str]) -> None:
    """The command line has a command and options that exist."""
    program, name, *arguments = command
    assert program in ("accelsim", "make"), command
    if program == "make":
        assert name in TARGETS
        return
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
    assert commands[name].make_context(name, arguments).params


CommandLine = Callable[[list[str]], tuple[object, list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Runs a command line; its exit code and the lines that it prints."""
    monkeypatch.setattr(progress, "SECONDS", float("inf"))

    def call(command: list[str]) -> tuple[object, list[str]]:
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stop:
            main()
        printed = capsys.readouterr()
        return stop.value.code or 0, (printed.out + printed.err).splitlines()

    return call


def execute(block: Block, folder: Path, names: dict[str, Any], run: CommandLine) -> None:
    """Run or check one block in the folder."""
    if block.language == "yaml":
        name = re.search(r"^name: (\S+)", block.text, re.MULTILINE)
        assert name is not None, "a file of yaml has a name"
        path = folder / f"{name[1]}.yaml"
        path.write_text(block.text, encoding="utf-8")
        file = re.search(r"\bplugin=(\S+)", block.marks)
        with plugin.loaded([file[1]] if file else []):
            assert faults(path) == []
    elif block.language == "csv":
        (folder / (block.marks or "requests.csv")).write_text(block.text, encoding="utf-8")
    elif block.language == "python" and block.marks.startswith("examples/"):
        assert block.text in (folder / block.marks).read_text(encoding="utf-8")
    elif block.language == "python":
        code = compile(block.text, "<page>", "exec")
        if block.runs:
            exec(code, names)  # the page's own example
    elif block.language in ("sh", "console"):
        for command, shown in block.commands():
            parse(command)
            if block.runs and command[0] == "accelsim":
                status, printed = run(command)
                assert status == block.exit_code, (command, printed)
                assert printed[: len(shown)] == shown
    else:
        pytest.fail(f"no check for blocks of {block.language}")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_blocks_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {"__name__": "page"}
    with plugin.loaded([]):  # plug-ins that the page loads are known to it alone
        for block in blocks(page):
            execute(block, tmp_path, names, run)


def test_the_blocks_that_do_not_run_are_known_and_say_why() -> None:
    marked = [(page.name, block) for page in PAGES for block in blocks(page) if not block.runs]
    assert [page for page, block in marked if len(block.marks.split()) < 4] == []
    assert Counter(page for page, _ in marked) == NOT_RUN


def test_commands_are_in_blocks_with_a_language() -> None:
    loose = re.compile(r"^(?: {4}|\$ )(?:accelsim|make) .*$", re.MULTILINE)
    assert {
        page.name: found
        for page in PAGES
        if (found := loose.findall(re.sub(r"```.*?\n```", "", page.read_text(), flags=re.DOTALL)))
    } == {}
    untold = re.compile(r"^```\n(?:\$ )?(?:accelsim|make) ", re.MULTILINE)
    assert [page.name for page in PAGES if untold.search(page.read_text())] == []
