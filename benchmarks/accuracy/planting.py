"""Which plants are measured: every single fault, and combinations of two and three drawn by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from benchmarks.accuracy.building import Site
from benchmarks.accuracy.faults import every
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.truth import Judge
from benchmarks.accuracy.worlds import Fault, Plant, Run, clean, real


def singles(source: Source, site: Site) -> list[tuple[Fault, Plant]]:
    """Return every fault of a chain that can happen, with the database that it makes."""
    found: dict[str, tuple[Fault, Plant]] = {}
    for fault in every(source, site):
        plant = planted(source, [fault])
        if plant is not None:
            found.setdefault(fault.label, (fault, plant))
    return list(found.values())


def planted(source: Source, faults: Sequence[Fault]) -> Plant | None:
    """Return a database to which some faults happen, in the order given; None where they do not go together."""
    plant: Plant | None = clean(source)
    for fault in faults:
        plant = fault.apply(plant) if plant is not None else None
    if plant is None:
        return None
    named = f"{source.name}: {'; '.join(fault.label for fault in faults)}"
    return replace(plant, name=named, kinds=tuple(fault.kind for fault in faults))


def rivals(source: Source, judge: Judge, alone: Sequence[tuple[Fault, Plant]], plant: Plant) -> Iterator[Plant]:
    """Yield other stories that may come to the database of a plant: the single faults, and it with a fault put in another one's place."""
    yield from (other for _fault, other in alone)
    labels = plant.name.partition(": ")[2].split("; ")
    by_label = {fault.label: (fault, made) for fault, made in alone}
    if len(labels) < 2 or not by_label.keys() >= set(labels):
        return
    chosen = [by_label[label] for label in labels]
    for at, (_fault, made) in enumerate(chosen):
        same = {id(item) for item in judge.alike(made, (other for _fault, other in alone))}
        for fault, other in alone:
            if id(other) in same:
                swapped = planted(source, [fault if number == at else item for number, (item, _made) in enumerate(chosen)])
                if swapped is not None:
                    yield swapped


def sound(plant: Plant, site: Site) -> bool:
    """Whether the faults are such as can happen: nothing fails but what a skipped migration makes fail.

    Something done by hand that fails has not happened; a second run that fails is what is usual and says nothing.
    """
    if plant.archived is not None:
        return True
    made = site.build(plant.source, plant.acts)
    kinds = set(plant.kinds)
    lenient = any(kind.startswith(("skip", "stopped", "evidence")) for kind in kinds)
    for act, error in zip(made.acts, made.errors, strict=True):
        if real(error) and not (lenient and isinstance(act, Run)):
            return False
        if isinstance(act, Run) and act.upto is not None and not error:  # it was at its end by then
            return False
    return True


def drawn(faults: Sequence[tuple[Fault, Plant]], limit: int, random: Random) -> list[tuple[Fault, Plant]]:
    """Draw single faults so that every kind is there before a kind comes again."""
    by_kind: dict[str, list[tuple[Fault, Plant]]] = {}
    for item in faults:
        by_kind.setdefault(item[0].kind, []).append(item)
    for items in by_kind.values():
        random.shuffle(items)
    found: list[tuple[Fault, Plant]] = []
    order = sorted(by_kind)
    random.shuffle(order)
    while len(found) < limit and any(by_kind.values()):
        found += [by_kind[kind].pop() for kind in order if by_kind[kind]]
    return found[:limit]


def combined(
    source: Source, site: Site, faults: Sequence[Fault], depth: int, limit: int, random: Random
) -> Iterator[Plant]:
    """Yield combinations of faults that go together and are about different migrations and objects."""
    usable = [fault for fault in faults if not fault.alone and not fault.kind.startswith("control")]
    kinds: dict[str, list[Fault]] = {}
    for fault in usable:
        kinds.setdefault(fault.kind, []).append(fault)
    seen: set[str] = set()
    for _try in range(limit * 12):
        if len(seen) >= limit or len(kinds) < depth:
            return
        chosen = [random.choice(kinds[kind]) for kind in random.sample(sorted(kinds), depth)]
        if any(one.places & other.places for at, one in enumerate(chosen) for other in chosen[:at]):
            continue
        plant = planted(source, sorted(chosen, key=lambda fault: fault.kind.startswith("by hand")))
        if plant is None or plant.name in seen or not sound(plant, site):
            continue
        seen.add(plant.name)
        yield plant
