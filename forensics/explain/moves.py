"""The moves of the search: every story that is one change at one group away from another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from forensics.explain.compare import changed
from forensics.explain.outside import added_columns, alterations, creations, hangings, renamings
from forensics.explain.sight import words
from forensics.explain.story import Outside, Played, Run, Step, Story
from forensics.model import Group, Key

if TYPE_CHECKING:
    from forensics.explain.search import Search, Tried

LONGEST = 80
WHOLE = ("table", "view", "materialized_view")
HANGING = ("index", "trigger")


def moves(search: Search, best: Tried, name: str) -> Iterator[Story]:
    """Yield every story that is one move at one differing group away."""
    story = best.played.story
    present = {step.migration: at for at, step in enumerate(story) if isinstance(step, Run)}
    related = search.related(name)
    claimed = [item for item in related if item in search.subject.recorded and item not in present]
    claimed = [item for item in claimed if search.player.runnable(item)]
    concerned = _concerned(search, best, name, related)
    for item in concerned:
        if item in present:
            at = present[item]
            yield story[:at] + story[at + 1 :]
            yield from pieces(search, story, at, best)
        elif search.player.runnable(item):
            for place in places(search, story, item, present, related):
                yield (*story[:place], Run(item), *story[place:])
            waiting = [other for other in claimed if search.order[other] > search.order[item]]
            if waiting:  # what the tracker claims and what went wrong for want of it
                yield joined(search, story, [item, *waiting])
            yield from stopped(search, story, item)
    yield from blocks(search, story, present, concerned)
    yield from outside(search, best, name, present, related)


def _concerned(search: Search, best: Tried, name: str, related: tuple[str, ...]) -> tuple[str, ...]:
    """Return the related migrations that may have to do with what differs: they wrote or name such an object, or the whole group."""
    final, live = best.played.final.get(name), search.subject.live.get(name)
    if final is None or live is None:
        return related
    differing = list(changed(final, live))
    if not differing:
        return related
    keys = {key for key, _was, _now in differing}
    spoken = frozenset[str]().union(
        *(words(f"{item.ident} {item.name}") for _key, was, now in differing for item in (was, now) if item is not None)
    )
    return tuple(item for item in related if _concerns(search, item, keys, spoken))


def _concerns(search: Search, item: str, keys: set[Key], spoken: frozenset[str]) -> bool:
    traces = search.reference.signatures.get(item, ())
    if any(trace.key in keys or trace.key[0] in WHOLE for trace in traces) or item not in search.reference.signatures:
        return True
    names = search.player.names(Run(item))
    return names is None or not spoken.isdisjoint(names)


def places(search: Search, story: Story, item: str, present: dict[str, int], related: Iterable[str]) -> list[int]:
    """Return where a migration could stand in a story: its place in the chain, or behind a related later step."""
    natural = search.place(story, item)
    behind = [present[other] + 1 for other in related if other in present and present[other] >= natural]
    return list(dict.fromkeys([natural, *behind, len(story)]))


def length(search: Search, item: str) -> int:
    """Return how many statements a migration has: those of its script, or those that it executed in the chain's replay."""
    migration = search.player.contents[item]
    if migration.language == "sql":
        return len(search.player.lab.statements(migration))
    line = search.reference.told.get(item)
    return 0 if line is None else line.total or line.done + bool(line.error)


def stopped(search: Search, story: Story, item: str) -> Iterator[Story]:
    """Yield the story with a migration that it lacks, stopped after each of its statements."""
    place = search.place(story, item)
    for upto in range(1, min(length(search, item), LONGEST)):
        yield (*story[:place], Run(item, tuple(range(1, upto + 1))), *story[place:])


def pieces(search: Search, story: Story, at: int, best: Tried) -> Iterator[Story]:
    """Yield the story with one migration stopped early, with only its effective statements, or moved behind later ones."""
    step = story[at]
    assert isinstance(step, Run)
    line = best.played.told[at]
    total = max(line.total or 0, length(search, step.migration))
    for upto in range(1, min(total, LONGEST)):
        yield (*story[:at], Run(step.migration, tuple(range(1, upto + 1))), *story[at + 1 :])
    if search.player.contents[step.migration].language == "sql" and 2 <= total <= LONGEST:
        numbers = range(1, total + 1)
        for first in range(2, total + 1):
            yield (*story[:at], Run(step.migration, tuple(range(first, total + 1))), *story[at + 1 :])
        for gone in numbers:
            yield (*story[:at], Run(step.migration, tuple(n for n in numbers if n != gone)), *story[at + 1 :])
        if step.statements is not None:
            for gone in step.statements:
                left = tuple(n for n in step.statements if n != gone)
                if left:
                    yield (*story[:at], Run(step.migration, left), *story[at + 1 :])
    if line.error or step.statements is not None:
        rest = story[:at] + story[at + 1 :]
        for place in range(at + 1, len(rest) + 1):
            yield (*rest[:place], Run(step.migration), *rest[place:])
        for place in range(at + 1, len(rest) + 1):  # what stood in the way came later: it goes first
            other = story[place] if place < len(story) else None
            if isinstance(other, Run):
                yield (*story[:at], other, *story[at:place], *story[place + 1 :])


def blocks(search: Search, story: Story, present: dict[str, int], related: Iterable[str]) -> Iterator[Story]:
    """Yield the story without the related migrations from each of them on, and without all that were voted out."""
    there = [present[item] for item in related if item in present]
    for count in range(len(there) - 1):
        gone = set(there[count:])
        yield tuple(step for at, step in enumerate(story) if at not in gone)
    against = {present[item] for item in related if item in present and not search.voted(item)}
    if against:
        yield tuple(step for at, step in enumerate(story) if at not in against)


def outside(
    search: Search, best: Tried, name: str, present: dict[str, int], related: Iterable[str]
) -> Iterator[Story]:
    """Yield the story with the group created, altered or renamed from outside, before each step that touches it or at the end."""
    story = best.played.story
    own = [at for at, step in enumerate(story) if isinstance(step, Outside) and step.group.casefold() == name]
    for at in own:
        yield story[:at] + story[at + 1 :]
    bare = tuple(step for at, step in enumerate(story) if at not in own)
    final, live = best.played.final.get(name), search.subject.live.get(name)
    spots = _vacant(search, best, name) if search.subject.knows(name) or _made_otherwise(final, live) else []
    for step in creations(name, search.subject, search.reference, search.player) if spots else ():
        for place in spots:
            yield (*bare[:place], step, *bare[place:])
            missing = [item for item in related if item not in present and search.player.runnable(item)]
            if missing and place == spots[0]:
                yield joined(search, (*bare[:place], step, *bare[place:]), missing)
    extras = (
        *alterations(name, search.subject),
        *added_columns(name, final, live, search.subject.dialect),
        *hangings(name, best.played.final, search.subject.live, search.subject.dialect),
        *renamings(name, best.played.final, search.subject.live, search.subject.dialect),
    )
    for extra in extras:
        if extra in story:
            continue
        for place in dict.fromkeys([*(at for at, other in enumerate(story) if near(search, other, name)), len(story)]):
            yield (*story[:place], extra, *story[place:])


def _made_otherwise(final: Group | None, live: Group | None) -> bool:
    """Whether who made a group can have to do with what differs: not where that only hangs on it and can be made at any time."""
    if final is None or live is None:
        return True
    return any(key[0] not in HANGING for key, _was, _now in changed(final, live)) or not any(changed(final, live))


def _vacant(search: Search, best: Tried, name: str) -> list[int]:
    """Return the places, in the story without what something outside did to a group, where no migration has made that.

    They are those before a step that touches it, and the end.
    """
    there = name in best.played.begin
    found = []
    at = 0
    for line in best.played.told:
        if isinstance(line.step, Outside) and line.step.group.casefold() == name:
            continue
        if not there and _run_near(search, line.step, name):
            found.append(at)
        changes = dict(line.changed)
        if name in changes:
            there = changes[name] is not None
        at += 1
    return found if there else [*found, at]


def _run_near(search: Search, step: Step, name: str) -> bool:
    return isinstance(step, Run) and near(search, step, name)


def near(search: Search, step: Step, name: str) -> bool:
    """Whether a step of a story touches a group."""
    if isinstance(step, Outside):
        return step.group.casefold() == name
    return step.migration in search.related(name)


def joined(search: Search, story: Story, missing: Iterable[str]) -> Story:
    """Return a story with migrations put in at their places in the chain."""
    for item in missing:
        at = search.place(story, item)
        story = (*story[:at], Run(item), *story[at:])
    return story


def supplied(search: Search, played: Played) -> Iterator[Story]:
    """Yield the story with a migration that the tracker does not know, whole or stopped, and what it claims and failed for want of it."""
    story = played.story
    there = {step.migration for step in story if isinstance(step, Run)}
    ids = [item.id for item in search.subject.migrations if item.id not in there and search.player.runnable(item.id)]
    claimed = [name for name in ids if name in search.subject.recorded and name not in search.silent]
    failing = [*claimed, *(line.migration for line in played.told if line.migration and line.error)]
    for name in ids:
        if name in search.subject.recorded:
            continue
        made = {part for trace in search.reference.signatures.get(name, ()) for part in trace.key[1:] if part}
        if any(search.order[item] > search.order[name] and made & _named(search, item) for item in failing):
            yield joined(search, story, [name, *claimed])
            for part in stopped(search, story, name):
                yield joined(search, part, claimed)


def _named(search: Search, name: str) -> frozenset[str]:
    return search.reference.spelled.get(name, frozenset()) | search.player.words_of(name)
