"""The cases that were once right: a fixed selection, small enough for every run of the tests.

``python -m benchmarks.accuracy.ratchet CHAIN...`` adds cases of chains that are right today; nothing is ever taken out by it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from random import Random

from benchmarks.accuracy.bench import Bench
from benchmarks.accuracy.chains import named
from benchmarks.accuracy.planting import combined, drawn, planted, singles, sound
from benchmarks.accuracy.worlds import Plant

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


def grow(chain: str, count: int, pairs: int, seed: int = 7) -> list[str]:
    """Return names of cases of a chain that come out right today."""
    source = named(chain)
    random = Random(f"{seed} {chain}")
    with Bench() as bench:
        site = bench.site(source.dialect)
        alone = singles(source, site)
        chosen = [plant for _fault, plant in drawn(alone, count * 2, random) if sound(plant, site)][:count]
        chosen += combined(source, site, [fault for fault, _plant in alone], 2, pairs, random)
        chosen += combined(source, site, [fault for fault, _plant in alone], 3, pairs // 3, random)
        return [plant.name for plant in chosen if not bench.score(plant).misses]


if __name__ == "__main__":
    chains = {name: int(count or 12) for name, _, count in (item.partition("=") for item in sys.argv[1:])}
    known = kept()
    for chain, count in chains.items():
        known[chain] = list(dict.fromkeys([*known.get(chain, []), *grow(chain, count, max(count // 3, 3))]))
    head = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    FILE.write_text("\n".join([*head, *(name for names in known.values() for name in names)]) + "\n", encoding="utf-8")
