"""Sets of migrations that a story can do without, or could have, while the schema stays the same.

A rebuild that changes no definition, an index that a later rebuild makes again, a table that one migration creates and another drops:
the schema does not tell whether they ran. Often it is not one migration but several together that are silent in this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.explain.compare import changed
from forensics.explain.moves import length
from forensics.explain.search import Search
from forensics.explain.story import Played, Run, Story, apply

LARGEST = 8


@dataclass(frozen=True, slots=True)
class Fit:
    """How far a played story is from the live schema, summed over the groups, at each level of evidence."""

    meaning: int
    trace: int
    layout: int
    text: int


@dataclass(frozen=True, slots=True, eq=False)
class Silent:
    """Migrations that stand or fall together. ``ran``: they are in the story ``base``. ``other`` is the story with the
    opposite.

    ``partly``: the opposite is that the one migration stopped before its last statements.
    """

    migrations: frozenset[str]
    ran: bool
    base: Played
    other: Played
    partly: bool = False


def fitness(search: Search, played: Played) -> Fit:
    """Measure a played story against the live schema."""
    live = search.subject.live
    found = [search.ruler.measure(played.final.get(name), live.get(name)) for name in played.final.keys() | live.keys()]
    return Fit(
        sum(item.meaning for item in found),
        sum(item.trace for item in found),
        sum(item.layout for item in found),
        sum(item.text for item in found),
    )


def without(story: Story, gone: frozenset[str]) -> Story:
    """Return a story without some migrations."""
    return tuple(step for step in story if not (isinstance(step, Run) and step.migration in gone))


def broken(played: Played, other: Played) -> frozenset[str]:
    """Return the migrations that go through in one story and fail in the other."""
    before = {line.step: line.status for line in played.told}
    return frozenset(
        line.step.migration
        for line in other.told
        if isinstance(line.step, Run) and line.error and before.get(line.step) == "full"
    )


def dispensable(search: Search, played: Played, name: str) -> Silent | None:
    """Return the smallest set with this migration that the story can do without, or None.

    To the migration come those that fail without it, and those whose work it undid: who made and altered a table that it
    dropped.
    """
    gone = frozenset([name])
    for _round in range(LARGEST):
        story = without(played.story, gone)
        other = search.player.play(story)
        failed = broken(played, other)
        if not failed and same(search, other, played):
            return Silent(gone, True, played, other)
        lives = _lives(search, played)
        more = gone | failed | frozenset(item for one in gone for item in lives.get(one, ()))
        if more == gone or len(more) > LARGEST:
            return None
        gone = more
    return None


def curtailed(search: Search, played: Played, name: str) -> Iterator[Silent]:
    """Yield a set for each place where this migration of the story could have stopped, while the schema stays the same."""
    at = played.story.index(Run(name))
    total = length(search, name)
    for upto in range(total - 1, 0, -1):
        part = Run(name, tuple(range(1, upto + 1)))
        other = search.player.play((*played.story[:at], part, *played.story[at + 1 :]))
        if any(line.error for line in other.told if line.step == part) or broken(played, other) or not same(search, other, played):
            return
        yield Silent(frozenset([name]), True, played, other, partly=True)


def possible(search: Search, played: Played, name: str) -> Silent | None:
    """Return the smallest set with this migration, none of it in the story, that would have left the same schema, or None.

    To the migration come those that undo, in the chain by itself, what it makes.
    """
    reference = search.reference
    undoing = _lives_of_chain(search)
    added = frozenset([name])
    there = {step.migration for step in played.story if isinstance(step, Run)}
    for _round in range(LARGEST):
        story = played.story
        for item in sorted(added, key=search.order.__getitem__):
            at = search.place(story, item)
            story = (*story[:at], Run(item), *story[at:])
        other = search.player.play(story)
        own = {line.step.migration: line for line in other.told if isinstance(line.step, Run)}
        if not any(own[item].error for item in added) and not broken(played, other) and same(search, other, played):
            return Silent(added, False, played, other)
        more = added | frozenset(
            item
            for item, needed in undoing.items()
            if needed & added and item not in there and item not in reference.never
        )
        more |= frozenset(item for one in added for item in undoing.get(one, ()) if item not in there)
        if more == added or len(more) > LARGEST:
            return None
        added = more
    return None


def same(search: Search, one: Played, other: Played) -> bool:
    """Whether two stories leave the same schema, to the letter of what the live one can show."""
    for name in one.final.keys() | other.final.keys():
        left, right = one.final.get(name), other.final.get(name)
        if left is right:
            continue
        if left is None or right is None or not search.ruler.measure(left, right).exact:
            return False
    return True


def _lives(search: Search, played: Played) -> dict[str, frozenset[str]]:
    """Return, for each migration that ended the life of a group, those that wrote the group while it lived."""
    known = search.lives.get(id(played))
    if known is None:
        known = search.lives[id(played)] = (played, _ended(played))
    return known[1]


def _ended(played: Played) -> dict[str, frozenset[str]]:
    writers: dict[str, set[str]] = {}
    found: dict[str, frozenset[str]] = {}
    state = played.begin
    for line in played.told:
        own = line.step.migration if isinstance(line.step, Run) else ""
        gone = [name for name, group in line.changed if group is None]
        new = [name for name, group in line.changed if group is not None and name not in state]
        for name in gone:
            ended = writers.pop(name, set())
            if new:  # renamed: its writers are the new one's
                for item in new:
                    writers.setdefault(item, set()).update(ended)
            elif own and "" not in ended:
                found[own] = found.get(own, frozenset()) | frozenset(ended)
        for name, group in line.changed:
            if group is not None and any(changed(state.get(name), group)):
                writers.setdefault(name, set()).add(own)
        state = apply(state, line)
    return found


def _lives_of_chain(search: Search) -> dict[str, frozenset[str]]:
    reference = search.reference
    told = tuple(reference.told[name] for name in reference.order)
    return _ended(Played((), told, reference.final, search.player.begin))
