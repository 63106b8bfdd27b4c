"""Measure everything, or what is named, and write the table into ``README.md`` beside this file.

``python -m benchmarks [--rounds N] [NAME ...]``; the names are the keys of ``ALL``. Only a run of everything is kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import fleets, replays, snapshots, starts
from benchmarks.measure import Line

Table = Mapping[str, list[Line]]
ALL: Mapping[str, tuple[Callable[[int], Table], int]] = {
    "snapshot-sqlite": (snapshots.sqlite, 9),
    "snapshot-postgresql": (snapshots.postgresql, 9),
    "difference": (snapshots.difference, 9),
    "replay-sqlite": (replays.sqlite, 7),
    "replay-postgresql": (replays.postgresql, 3),
    "fleet": (fleets.fleet, 1),
    "diagnosis": (fleets.diagnosis, 7),
    "words": (starts.words, 15),
    "reports": (starts.reports, 3),
}
README = Path(__file__).with_name("README.md")
_BEGIN, _END = "<!-- the last run -->", "<!-- end -->"


def main() -> int:
    """Run what is asked for and print it; return 1 where a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)}; default: all of them")
    parser.add_argument("--rounds", type=int, help="how often each way is run")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(ALL))
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(ALL)}")
    texts = []
    missed = 0
    for name in given.names or ALL:
        run, rounds = ALL[name]
        for title, lines in run(given.rounds or rounds).items():
            missed += sum(line.target is not None and line.ratio > line.target for line in lines)
            texts.append(_table(title, lines))
            print(texts[-1], flush=True)
    if not given.names:
        _keep("\n".join([_place(), *texts]))
    return 1 if missed else 0


def _table(title: str, lines: list[Line]) -> str:
    rows = [f"### {title}", "", "| way | s | ratio | target |", "|---|---|---|---|"]
    for line in lines:
        target = "" if line.target is None else f"{line.target:g}" + (" (missed)" if line.ratio > line.target else "")
        rows.append(f"| {line.what} | {line.seconds:.4f} | {line.ratio:.2f} | {target} |")
    return "\n".join([*rows, ""])


def _place() -> str:
    load = os.getloadavg()[0]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores (load {load:.1f} at the end), Python"
        f" {platform.python_version()}, SQLite {sqlite3.sqlite_version}.\n"
    )


def _keep(text: str) -> None:
    before, _, rest = README.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    README.write_text(f"{before}{_BEGIN}\n\n{text}\n{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
