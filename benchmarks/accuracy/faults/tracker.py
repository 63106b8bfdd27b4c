"""The tracker is wrong: skipped and recorded, run and not recorded, stopped half-way, run twice, in another order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.splitting import pieces
from benchmarks.accuracy.worlds import Act, Built, Fault, Plant, Run


def faults(source: Source, site: Site, base: Built) -> Iterator[Fault]:
    """Yield the faults of this kind."""
    yield from _skips(source)
    yield from _unrecorded(source)
    yield from _partials(source)
    yield from _orders(source)


def _skips(source: Source) -> Iterator[Fault]:
    ids = source.ids
    for at, name in enumerate(ids):
        kind = "skip first" if not at else "skip last" if at == len(ids) - 1 else "skip one"
        yield _fault(kind, f"skip {name}", partial(skipped, (name,)), (name,))
    for at in range(1, len(ids) - 3, 3):
        yield _fault("skip block", f"skip {ids[at]} to {ids[at + 2]}", partial(skipped, ids[at : at + 3]), ids[at : at + 3])
    for at in {len(ids) // 2, len(ids) - 2, (3 * len(ids)) // 4}:
        if at > 0:
            yield _fault("skip suffix", f"skip {ids[at]} and all after it", partial(skipped, ids[at:]), ids[at:])


def skipped(names: Sequence[str], plant: Plant) -> Plant | None:
    """Leave migrations out and record them all the same."""
    there = {act.migration for act in plant.acts if isinstance(act, Run) and act.upto is None}
    if not set(names) <= there or not set(names) <= set(plant.recorded):
        return None
    return replace(plant, acts=tuple(act for act in plant.acts if not (isinstance(act, Run) and act.migration in names)))


def _unrecorded(source: Source) -> Iterator[Fault]:
    ids = source.ids
    if source.tool == "alembic":
        for count in (1, 2, 4):
            if count < len(ids):
                gone = ids[-count:]
                yield _fault("run, not recorded", f"head {count} behind", partial(_unwritten, gone), gone)
        return
    for name in ids:
        yield _fault("run, not recorded", f"{name} not recorded", partial(_unwritten, (name,)), (name,))


def _unwritten(names: Sequence[str], plant: Plant) -> Plant | None:
    if not set(names) <= set(plant.recorded):
        return None
    rest = tuple(item for item in plant.recorded if item not in names)
    if plant.source.tool == "alembic" and any(set(names) & set(plant.source.parents[item]) for item in rest):
        return None
    return replace(plant, recorded=rest)


def _partials(source: Source) -> Iterator[Fault]:
    for place, name in enumerate(source.ids):
        file = source.by_id[name]
        script = file.endswith(".sql")
        if source.dialect == "postgresql" and (not script or source.hints.get("runner") != "statements"):
            continue  # a transaction takes back what a run that breaks off has done
        total = len(pieces(source.files[file], source.dialect)) if script else 4
        last = place == len(source.ids) - 1
        for count in range(1, total):
            told = f"{name} stops after {count}"
            yield _fault("stopped, recorded", told, partial(_stopped, name, count, "recorded"), (name,))
            if last or source.tool != "alembic":
                yield _fault("stopped, not recorded", f"{told}, unrecorded", partial(_stopped, name, count, "not"), (name,))
            if place and not last:
                yield _fault("stopped, the rest pending", f"{told}, the rest pending", partial(_stopped, name, count, "rest"), (name,))


def _stopped(name: str, count: int, way: str, plant: Plant) -> Plant | None:
    if Run(name) not in plant.acts or name not in plant.recorded:
        return None
    at = plant.acts.index(Run(name))
    acts = (*plant.acts[:at], Run(name, count), *plant.acts[at + 1 :])
    if way == "recorded":
        return replace(plant, acts=acts)
    if way == "not":
        return replace(plant, acts=acts, recorded=tuple(item for item in plant.recorded if item != name))
    later = set(plant.source.ids[plant.source.ids.index(name) :])
    if plant.source.tool == "alembic" and any(len(found) > 1 for found in plant.source.parents.values()):
        return None
    recorded = tuple(item for item in plant.recorded if item not in later)
    return replace(plant, acts=_cut(acts, at + 1), recorded=recorded)


def _cut(acts: tuple[Act, ...], at: int) -> tuple[Act, ...]:
    return acts[:at]


def _orders(source: Source) -> Iterator[Fault]:
    ids = source.ids
    for one, other in pairwise(ids):
        if source.tool != "alembic":
            yield _fault("swap two", f"swap {one} {other}", partial(_swapped, one, other), (one, other))
    for name in ids:
        yield _fault("run twice", f"{name} twice", partial(_twice, name), (name,))


def _swapped(one: str, other: str, plant: Plant) -> Plant | None:
    if not {Run(one), Run(other)} <= set(plant.acts) or not {one, other} <= set(plant.recorded):
        return None
    turn = {Run(one): Run(other), Run(other): Run(one)}
    names = {one: other, other: one}
    pairs = frozenset({("out-of-order", one)}), frozenset({("out-of-order", other)})
    visible = _ddl(plant.source, one) and _ddl(plant.source, other)
    return replace(
        plant,
        acts=tuple(turn.get(act, act) if isinstance(act, Run) else act for act in plant.acts),
        recorded=tuple(names.get(item, item) for item in plant.recorded),
        may=plant.may | pairs[0] | pairs[1],
        either=(*plant.either, *pairs) if visible and not plant.either else plant.either,
    )


def _ddl(source: Source, name: str) -> bool:
    return bool(re.search(r"(?i)\b(create|alter|drop)\b", source.text(name)))


def _twice(name: str, plant: Plant) -> Plant | None:
    if Run(name) not in plant.acts:
        return None
    at = plant.acts.index(Run(name))
    return replace(plant, acts=(*plant.acts[: at + 1], Run(name), *plant.acts[at + 1 :]))


def _fault(kind: str, label: str, apply: partial[Plant | None], places: Sequence[str]) -> Fault:
    return Fault(kind, label, apply, frozenset(places))
