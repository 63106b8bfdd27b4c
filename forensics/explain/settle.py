"""Let the schema cookie decide between stories that the schema alone cannot tell apart.

An object that is missing may never have been made, or may have been dropped; the count of schema changes differs by what it takes to make
and to drop it. Where the best story does not add up to the live count and one that is little dearer does, that one is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from forensics.explain.cookie import certain, choices, counted
from forensics.explain.cost import remainder
from forensics.explain.moves import moves, supplied
from forensics.explain.placing import complete
from forensics.explain.search import Search, Tried
from forensics.explain.silent import Silent
from forensics.explain.story import Run, Story

MARGIN = 2.05
ANOTHER_HAND = 1.5
WRONG = 6
LOOKED_AT = 200


def settle(search: Search, best: Tried, silent: Iterable[Silent]) -> tuple[Tried, bool]:
    """Return the story that adds up to the live cookie in place of the best one, where there is one within reach.

    Also return whether the cookie speaks for the story.
    """
    cookie = search.subject.cookie
    if cookie is None:
        return best, False
    played = complete(search, best, proven=False)
    if not certain(played):
        return best, False
    if counted(played) == cookie:
        return best, True
    # A stored text that the story does not come to is another hand's: then a dearer story may be the true one.
    allowed = MARGIN + (ANOTHER_HAND if remainder(played.final, search.subject.live, search.ruler)[1] else 0.0)
    for choice in choices(search, played, silent):
        allowed = min(allowed, choice.price - 0.01)
    ranked = sorted(_others(search, best), key=lambda item: (item.cost.total, repr(search.told(item))))
    for other in ranked[:LOOKED_AT]:
        if other.cost.total > best.cost.total + allowed:
            break
        ending = complete(search, other, proven=False)
        exact = not any(remainder(ending.final, search.subject.live, search.ruler))
        if exact and certain(ending) and counted(ending) == cookie:
            return search.proven(other), True
    return best, False


def _others(search: Search, best: Tried) -> Iterator[Tried]:
    """Yield the stories around the best one: with each of its contradictions to the tracker taken back, and one move from there."""
    story = best.played.story
    for name in _wrong(search, story):
        bare: Story = tuple(step for step in story if not (isinstance(step, Run) and step.migration == name))
        if name in search.subject.recorded:
            at = search.place(bare, name)
            bare = (*bare[:at], Run(name), *bare[at:])
        base = search.attempt(bare)
        for group in search.differing(base.played):
            for near in moves(search, base, group):
                search.attempt(near)
    for near in supplied(search, best.played):
        search.attempt(near)
    yield from {id(item): item for item in search.tried.values() if item is not best}.values()


def _wrong(search: Search, story: Story) -> list[str]:
    """Return the migrations of which a story contradicts the tracker; none where they are many."""
    there = {step.migration: step for step in story if isinstance(step, Run)}
    found = []
    for item in search.subject.migrations:
        ran, recorded = item.id in there, item.id in search.subject.recorded
        part = ran and there[item.id].statements is not None
        if (ran != recorded or part) and item.id not in search.silent and search.player.runnable(item.id):
            found.append(item.id)
    return found if len(found) <= WRONG else []
