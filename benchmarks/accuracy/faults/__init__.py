"""The faults, by kind: from a chain and the database that it builds to everything that can go wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.faults import by_hand, elsewhere, files, outside, tracker
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Fault, clean

MODULES = (tracker, files, by_hand, outside, elsewhere)


def every(source: Source, site: Site) -> Iterator[Fault]:
    """Yield every single fault of a chain, and the controls, in a fixed order."""
    base = site.build(source, clean(source).acts)
    if not base.works:
        raise ValueError(f"the chain {source.name} does not build by itself: {[item for item in base.errors if item]}")
    for module in MODULES:
        yield from module.faults(source, site, base)
