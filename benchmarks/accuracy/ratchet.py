"""The cases that were once right: a fixed selection, small enough for every run of the tests.

``python -m benchmarks.accuracy.ratchet SCORES.csv`` adds cases that came out right in a run; nothing is ever taken out by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.accuracy.bench import Bench
from benchmarks.accuracy.chains import named
from benchmarks.accuracy.planting import planted, singles
from benchmarks.accuracy.worlds import Plant

if TYPE_CHECKING:
    import pandas as pd

FILE = Path(__file__).with_name("ratchet.txt")


def kept() -> dict[str, list[str]]:
    """Return the names of the cases by their chain."""
    found: dict[str, list[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            found.setdefault(line.partition(": ")[0], []).append(line)
    return found


def plants(bench: Bench, chain: str, names: Iterable[str]) -> dict[str, Plant]:
    """Return the plants of some names: the labels of faults, in the order in which they happen."""
    source = named(chain)
    faults = {fault.label: fault for fault, _plant in singles(source, bench.site(source.dialect))}
    found: dict[str, Plant] = {}
    for name in names:
        labels = name.partition(": ")[2].split("; ")
        plant = planted(source, [faults[label] for label in labels]) if faults.keys() >= set(labels) else None
        if plant is not None:
            found[name] = plant
    return found


def chosen(scores: pd.DataFrame, known: Iterable[str], *, each: int) -> list[str]:
    """Return names of cases that came out right: for each chain so many, the kinds of fault in turn, the quick ones first."""
    taken = set(known)
    right = scores[scores["ok"] & ~scores["name"].isin(taken)].sort_values(["chain", "depth", "seconds", "name"])
    found: list[str] = []
    for _chain, part in right.groupby("chain", sort=True):
        kinds = part.drop_duplicates("kind")
        found += [*kinds[kinds["depth"] == 1]["name"][: each - each // 3], *kinds[kinds["depth"] > 1]["name"][: each // 3]]
    return found


def main() -> None:
    """Add cases that came out right to the file."""
    import pandas as pd

    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.ratchet", description=__doc__)
    parser.add_argument("scores", nargs="+", type=Path, help="files of scores")
    parser.add_argument("--each", type=int, default=12, help="how many cases of each chain")
    parser.add_argument("--chains", nargs="*", default=[], help="the chains that are meant, by name")
    said = parser.parse_args()
    scores = pd.concat([pd.read_csv(file, keep_default_na=False) for file in said.scores], ignore_index=True)
    if said.chains:
        scores = scores[scores["chain"].isin(said.chains)]
    known = [name for names in kept().values() for name in names]
    head = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = sorted({*known, *chosen(scores, known, each=said.each)})
    FILE.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
