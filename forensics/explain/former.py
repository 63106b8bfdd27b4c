"""What a group of the live schema could have been at first: with what migrations took away since, under its earlier names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from forensics.explain import writing
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.story import Outside, State
from forensics.explain.subject import Subject
from forensics.model import Group, SchemaObject

MOST = 6


def called(name: str, reference: Reference) -> frozenset[str]:
    """Return the case-folded names that a group had at any time, its own among them."""
    return reference.lineage.get(name, frozenset()) | {name}


def alone(subject: Subject, group: Group) -> State:
    """Return the state in which a group can be altered: by itself in SQLite, which minds the views on it, else among the live ones."""
    own = {group.name.casefold(): group}
    return own if subject.dialect == "sqlite" else {**subject.live, **own}


def formerly(
    name: str, subject: Subject, groups: Iterable[Group], reference: Reference, player: Player
) -> Iterator[Group]:
    """Yield each group with the columns that migrations drop, and under the names that it had before they renamed it."""
    gone = _dropped(called(name, reference), reference)
    for group in groups:
        there = {item.ident for item in group.objects if item.kind == "column"}
        lacking = [item for item in gone if item.ident not in there][:MOST]
        statements = [text for item in lacking for text in writing.add_column(subject.dialect, replace(item, table=group.name))]
        grown = _after(player, subject, group, statements) if statements else None
        if grown is not None:
            yield grown
        for old in sorted(reference.lineage.get(name, frozenset())):
            rename = writing.rename_table(subject.dialect, group.name, old)
            before = _after(player, subject, grown or group, [rename], old)
            if before is not None:
                yield before


def _after(player: Player, subject: Subject, group: Group, statements: Iterable[str], name: str = "") -> Group | None:
    step = Outside(tuple(statements), "unknown", group.name)
    state, told = player.after(alone(subject, group), step)
    return None if told.error else state.get(name or group.name.casefold())


def _dropped(names: frozenset[str], reference: Reference) -> list[SchemaObject]:
    """Return the columns that migrations take away from a group which stays."""
    found: dict[str, SchemaObject] = {}
    for place, migration in enumerate(reference.order):
        for trace in reference.signatures[migration]:
            stays = trace.key[1] in names and trace.key[1] in reference.states[place]
            if trace.key[0] == "column" and stays and trace.after is None and trace.before is not None:
                found[trace.key[2]] = trace.before
    return [found[key] for key in sorted(found)]
