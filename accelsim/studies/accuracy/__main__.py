"""``python -m accelsim.studies.accuracy run``: execute the study's runs. ``costs``: simulate a step
under each rule of its transformer part. ``report``: write its tables and plots. ``summary``: print
its accuracies as CSV.

Exit status: 0 done, 2 wrong input, 130 interrupted (finished runs are kept, and unfinished ones
resume from their last epoch).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.errors import InputError

INTERRUPTED = 130
REPORTS = Path("reports/accuracy")
PARTS = ("fc", "sweep", "cnn", "rnn", "transfer", "transformer")


def parser() -> argparse.ArgumentParser:
    """The command-line parser."""
    arguments = argparse.ArgumentParser(
        prog="python -m accelsim.studies.accuracy",
        description="The accuracy study: learning rules trained at a reduced scale.",
    )
    commands = arguments.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="execute the missing runs; can be stopped at any time")
    run.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with cifar10/, wikitext2/ and fashion-mnist/",
    )
    run.add_argument(
        "--workers",
        type=_workers,
        default=2,
        metavar="N",
        help="number of parallel runs, each on one thread (default 2)",
    )
    run.add_argument("--part", choices=PARTS, help="only this part")
    run.add_argument(
        "--work",
        type=Path,
        default=Path("out/study"),
        metavar="DIR",
        help="checkpoints of unfinished runs (default out/study)",
    )
    report = commands.add_parser(
        "report", help="write README.md, tables and plots of the finished runs"
    )
    report.add_argument(
        "--out",
        type=Path,
        default=REPORTS,
        metavar="DIR",
        help=f"output folder (default {REPORTS})",
    )
    costs = commands.add_parser(
        "costs", help="simulate a training step under each rule of the transformer part"
    )
    summary = commands.add_parser(
        "summary",
        help="print the test accuracies as CSV, the content of "
        "accelsim/studies/papers/han2020/accuracy.csv",
    )
    for command in (run, report, costs, summary):
        command.add_argument(
            "--results",
            type=Path,
            default=REPORTS / "runs",
            metavar="DIR",
            help=f"finished runs (default {REPORTS / 'runs'})",
        )
    return arguments


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"must be an integer between 1 and 256, got {text}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. Progress, faults and names of written files go to
    stderr.
    """
    options = parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except InputError as error:
        for fault in error.faults:
            _say(str(fault))
        return 2
    except KeyboardInterrupt:
        _say("interrupted: finished runs are kept; run the same command again to continue")
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    from accelsim.studies.accuracy.execute import Places, run_study
    from accelsim.studies.accuracy.plan import cells

    if not options.data.is_dir():
        raise InputError(f"{options.data}: data directory does not exist")
    chosen = [cell for cell in cells() if options.part in (None, cell.setting.part)]
    run_study(Places(options.data, options.results, options.work), chosen, options.workers, _say)
    return 0


def _report(options: argparse.Namespace) -> int:
    from accelsim.studies.accuracy.outcomes import read_outcomes
    from accelsim.studies.accuracy.page.readme import write_report
    from accelsim.studies.accuracy.plan import cells

    for name in write_report(read_outcomes(options.results, cells()), options.out):
        _say(f"wrote {options.out / name}")
    return 0


def _costs(options: argparse.Namespace) -> int:
    from accelsim.studies.accuracy.plan import GPT, transformer
    from accelsim.studies.accuracy.transformer.costs import FILE, measure, write_costs

    if not options.results.is_dir():
        raise InputError(f"{options.results}: results directory does not exist")
    rules = [cell.rule for cell in transformer()]
    write_costs(measure(GPT.network, rules, GPT.optimizer, _say), options.results / FILE)
    _say(f"wrote {options.results / FILE}")
    return 0


def _summary(options: argparse.Namespace) -> int:
    from accelsim.studies.accuracy.outcomes import read_outcomes
    from accelsim.studies.accuracy.plan import cells
    from accelsim.studies.accuracy.summary import summary

    print(summary(read_outcomes(options.results, cells())), end="")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


COMMANDS = {"run": _run, "report": _report, "costs": _costs, "summary": _summary}


if __name__ == "__main__":
    sys.exit(main())
