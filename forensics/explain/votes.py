"""What the live schema says of each migration: every object that a migration wrote gives a vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.explain.compare import elementary, value
from forensics.explain.reference import Reference, Trace
from forensics.explain.story import State
from forensics.model import Key, SchemaObject


@dataclass(frozen=True, slots=True)
class Effects:
    """Elementary effects of one migration and what became of them; the contract's ``effects``."""

    expected: int = 0
    present: int = 0
    absent: int = 0
    superseded: int = 0
    altered: int = 0


def objects(state: State) -> dict[Key, SchemaObject]:
    """Return every object of a state by its identity."""
    return {item.key: item for group in state.values() for item in group.objects}


def verdict(trace: Trace, live: SchemaObject | None, later: Iterable[object]) -> str:
    """Return what one object says of one migration: present, absent, superseded or altered.

    ``later`` are the values that later migrations (those that count) left of the same object.
    """
    here = value(live)
    if here == value(trace.after):
        return "present"
    if here in list(later):
        return "superseded"
    if here == value(trace.before) or (live is None and trace.after is not None):
        return "absent"
    if live is not None and trace.after is not None and live.meaning == trace.after.meaning:
        return "present"
    return "altered" if live is not None and trace.after is not None else "absent"


def ballot(reference: Reference, live: State) -> dict[str, Counter[str]]:
    """Count the votes for every migration, all later migrations taken into account."""
    there = objects(live)
    votes: dict[str, Counter[str]] = {}
    for place, name in enumerate(reference.order):
        count = votes[name] = Counter()
        for trace in reference.signatures[name]:
            later = [item.left for item in reference.provenance[trace.key] if item.place > place]
            count[verdict(trace, there.get(trace.key), later)] += 1
    return votes


def effects(traces: Iterable[Trace], live: dict[Key, SchemaObject], later: dict[Key, list[object]]) -> Effects:
    """Count a migration's elementary effects by what became of them.

    ``later`` holds, for each object, what the migrations that ran after this one left of it.
    """
    count: Counter[str] = Counter()
    for trace in traces:
        size = max(1, elementary(trace.before, trace.after))
        count[verdict(trace, live.get(trace.key), later.get(trace.key, ()))] += size
    return Effects(
        expected=sum(count.values()),
        present=count["present"],
        absent=count["absent"],
        superseded=count["superseded"],
        altered=count["altered"],
    )
