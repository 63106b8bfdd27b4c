"""``python -m benchmarks.accuracy``: measure, print a table, write the scores and the page of the documentation."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.accuracy.page import page
from benchmarks.accuracy.running import Order, measure
from benchmarks.accuracy.scoring import Score
from benchmarks.accuracy.tables import DEPTHS, cell, family, frame, summary

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent


def main() -> None:
    """Measure what the options say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--chains", nargs="*", default=[], help="parts of names of chains, or random-DIALECT-TOOL-SEED-LENGTH")
    parser.add_argument("--faults", nargs="*", default=[], help="parts of kinds of faults")
    parser.add_argument("--depth", nargs="*", type=int, default=[1], help="how many faults at once: 1 2 3")
    parser.add_argument("--dialect", default="", choices=["", "sqlite", "postgresql"])
    parser.add_argument("--limit", type=int, default=40, help="plants of each depth for each chain; 0 for every single fault")
    parser.add_argument("--case", default="", help="a part of the names of the single faults that are meant")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--baselines", action="store_true", help="also ask alembic check and sqlalchemy-diff")
    parser.add_argument("--read", nargs="*", type=Path, help="measure nothing: take the scores from such files")
    parser.add_argument("--csv", type=Path, help="where the scores go")
    parser.add_argument("--docs", type=Path, help="where the page goes, for example docs/accuracy.md")
    chosen = parser.parse_args()
    order = Order(
        chains=tuple(chosen.chains), faults=tuple(chosen.faults), dialect=chosen.dialect, depths=tuple(chosen.depth),
        limit=chosen.limit, seed=chosen.seed, baselines=chosen.baselines, case=chosen.case,
    )  # fmt: skip
    scores = _read(chosen.read) if chosen.read else frame(measure(order, jobs=chosen.jobs, told=_Teller(chosen.csv).tell))
    if chosen.csv:
        _write(scores, chosen.csv)
    if chosen.docs:
        chosen.docs.parent.mkdir(parents=True, exist_ok=True)
        reasons = json.loads((HERE / "reasons.json").read_text(encoding="utf-8"))
        chosen.docs.write_text(page(scores, order, reasons), encoding="utf-8")
    _print(scores.assign(family=scores["kind"].map(family), depth=scores["depth"].map(DEPTHS)))


class _Teller:
    """Says what comes out wrong as it comes, and keeps the scores in a file now and then."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._scores: list[Score] = []

    def tell(self, score: Score) -> None:
        """Hear of one more score."""
        self._scores.append(score)
        if score.misses:
            print(f"{score.name}\n    " + "\n    ".join(score.misses), flush=True)
        if self._file is not None and len(self._scores) % 20 == 0:
            _write(frame(self._scores), self._file)


def _read(files: list[Path]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([pd.read_csv(file, keep_default_na=False) for file in files], ignore_index=True)


def _write(scores: pd.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    scores.to_csv(file, index=False)


def _print(scores: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    for by in (["family", "dialect"], ["chain", "dialect"], ["depth", "dialect"]):
        found = summary(scores, by)
        table = Table(title=" and ".join(by))
        for name in found.columns:
            table.add_column(str(name), justify="left" if name in by else "right")
        for row in found.itertuples(index=False):
            table.add_row(*(cell(value) for value in row))
        Console().print(table)


if __name__ == "__main__":
    main()
