"""Run the benchmark: chains in, scores out, on as many processes as wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from benchmarks.accuracy.bench import Bench
from benchmarks.accuracy.chains import every, named
from benchmarks.accuracy.planting import combined, drawn, rivals, singles, sound
from benchmarks.accuracy.scoring import Score
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Fault, Plant

Told = Callable[[Score], None]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be measured.

    ``chains`` and ``faults`` keep what contains one of these words (all of it where there are none), ``limit`` is how many plants of
    each depth are drawn for each chain (0: every single fault).
    """

    chains: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    dialect: str = ""
    depths: tuple[int, ...] = (1,)
    limit: int = 40
    seed: int = 1
    baselines: bool = False
    case: str = ""

    def sources(self) -> list[Source]:
        """Return the chains that are meant."""
        made = [named(name, self.seed) for name in self.chains if name.startswith("random-")]
        words = [name for name in self.chains if not name.startswith("random-")]
        found = [] if made and not words else [item for item in every(self.seed) if _meant(item.name, words)]
        return [item for item in (*made, *found) if self.dialect in ("", item.dialect)]


def _meant(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


def plants(bench: Bench, source: Source, order: Order) -> tuple[list[Plant], list[tuple[Fault, Plant]]]:
    """Return the plants of a chain that are drawn, and all single faults, which may explain one of them as well."""
    site = bench.site(source.dialect)
    alone = singles(source, site)
    chosen = [item for item in alone if _meant(item[0].kind, order.faults)]
    found: list[Plant] = []
    for depth in order.depths:
        random = Random(f"{order.seed} {source.name} {depth}")
        if depth == 1:
            ranked = drawn(chosen, len(chosen), random)
            if order.case:
                ranked = [item for item in ranked if order.case in item[1].name]
            kept: list[Plant] = []
            for _fault, plant in ranked:
                if order.limit and len(kept) >= order.limit:
                    break
                if sound(plant, site):
                    kept.append(plant)
            found += kept
        else:
            found += combined(source, site, [fault for fault, _plant in chosen], depth, order.limit or 40, random)
    return found, alone


def measure(order: Order, *, jobs: int = 1, told: Told | None = None) -> list[Score]:
    """Measure everything that is ordered; ``told`` hears of each score as it comes."""
    parts = [replace(order, chains=(source.name,)) for source in order.sources()]
    found: list[Score] = []
    for score in _scores(parts, jobs):
        found.append(score)
        if told is not None:
            told(score)
    return found


def _scores(parts: Sequence[Order], jobs: int) -> Iterator[Score]:
    if jobs == 1:
        for part in parts:
            yield from _chain(part)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for scores in pool.map(_listed, parts):
            yield from scores


def _listed(order: Order) -> list[Score]:
    return list(_chain(order))


def _chain(order: Order) -> Iterator[Score]:
    logging.disable()
    source = next(item for item in order.sources() if item.name == order.chains[0])
    with Bench() as bench:
        chosen, alone = plants(bench, source, order)
        for plant in chosen:
            others = partial(rivals, source, bench.judge(source), alone, plant)
            yield bench.score(plant, others, baselines=order.baselines)
