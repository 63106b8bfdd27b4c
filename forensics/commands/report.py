"""``forensics report``: the notebooks run for each environment, and their reports written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.commands.outcome import open_for, unread
from forensics.console import visible
from forensics.errors import UsageError

if TYPE_CHECKING:
    from forensics.session import Case


def run(options: argparse.Namespace) -> int:
    """Write the reports. Findings are no failure here; evidence that could not be read gives 3."""
    if options.all and options.environments:
        raise UsageError("give environments or --all, not both", remedy="leave one of them out")
    case = open_for(options)
    if not options.all and not options.environments:
        raise UsageError(
            "nothing to report on", remedy=f"name environments ({', '.join(case.names)}) or write report --all"
        )
    names = list(case.names) if options.all else [case[name].name for name in dict.fromkeys(options.environments)]
    return _written(case, names, options)


def _written(case: Case, names: list[str], options: argparse.Namespace) -> int:
    from forensics.report import report

    with progress(len(names)) as done:
        folders = report(case, None if options.all else names, output=Path(options.output), progress=done)
    for folder in folders:
        print(visible(folder))
    return 3 if unread(case.document(names)["environments"]) else 0


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on standard error while it is a terminal; the function given takes the name of what is done."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def done(name: str) -> None:
            bar.update(task, advance=1, description=visible(name))

        yield done
