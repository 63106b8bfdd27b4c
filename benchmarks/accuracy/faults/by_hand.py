"""Somebody changed the schema by hand: every kind of object added, removed, altered, renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.faults import hand_postgresql, hand_sqlite
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Built, Fault, Plant, Sql


def faults(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Yield the faults of this kind."""
    changes = hand_sqlite.changes(source, site, base) if source.dialect == "sqlite" else hand_postgresql.changes(base)
    for what, target, statements, cause in changes:
        yield Fault(f"by hand: {what}", f"by hand, {what} {target}", _done(statements, cause), frozenset({f"object {target}"}))


def _done(statements: tuple[str, ...], cause: str) -> Callable[[Plant], Plant | None]:
    def apply(plant: Plant) -> Plant | None:
        if cause == "name":
            return replace(plant, acts=(*plant.acts, Sql(statements, "name-only-difference")))
        return replace(plant, acts=(*plant.acts, Sql(statements, cause)))

    return apply
