"""What SQLite's schema cookie says of migrations that leave no other trace.

``PRAGMA schema_version`` rises by one with each statement that changes the schema, so a rebuild that changes no definition is counted
all the same. It is bound to the exact sum: only where the statements of a story add up to the live number, with a migration or
without it, does it decide. After VACUUM, a restore or a copy by the backup interface no sum fits, and nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

from forensics.explain.judge import Judged
from forensics.explain.search import Search
from forensics.explain.silent import Silent, without
from forensics.explain.story import Played, Run, Story

MOST = 14


def counted(search: Search, story: Story) -> int:
    """Return how many statements of a story change the schema when it is played from empty."""
    player = search.player
    key = player.lab.empty
    total = 0
    for step in story:
        outcome = player.lab.run(key, player.order(step))
        key = outcome.state
        total += sum(item.ddl for item in outcome.statements)
    return total


def by_cookie(
    search: Search, played: Played, judged: dict[str, Judged], silent: Iterable[Silent]
) -> dict[str, Judged]:
    """Return the judgements with those that the schema cookie can decide in place of ``unknown``.

    Every choice of silent sets is summed up. Of those that give the live number, the ones that contradict the tracker least
    count; what they all say of a migration is decided.
    """
    cookie = search.subject.cookie
    if cookie is None:
        return judged
    own = counted(search, played.story)
    weights = [(item, _weight(search, played.story, own, item)) for item in dict.fromkeys(silent)]
    weights = [(item, weight) for item, weight in weights if weight]
    if not weights or len(weights) > MOST:
        return judged
    fitting: list[tuple[int, frozenset[str]]] = []
    for choice in product((False, True), repeat=len(weights)):
        chosen = [pair for pair, taken in zip(weights, choice, strict=True) if taken]
        toggled = [name for item, _weight in chosen for name in item.migrations]
        if len(toggled) == len(set(toggled)) and own + sum(weight for _item, weight in chosen) == cookie:
            fitting.append((_against(search, played.story, frozenset(toggled)), frozenset(toggled)))
    if not fitting:
        return judged
    least = min(price for price, _toggled in fitting)
    taken_back = [toggled for price, toggled in fitting if price == least]
    there = {step.migration for step in played.story if isinstance(step, Run)}
    decided = dict(judged)
    for name in sorted({name for item, _weight in weights for name in item.migrations}):
        said = {(name in there) != (name in toggled) for toggled in taken_back}
        if len(said) == 1 and judged[name].executed == "unknown":
            decided[name] = replace(judged[name], executed="yes" if said.pop() else "no", basis="physical", why="")
    return decided


def _weight(search: Search, story: Story, own: int, item: Silent) -> int:
    """Return by how much the count changes where the opposite of the story holds for a silent set."""
    if item.ran:
        return counted(search, without(story, item.migrations)) - own
    for name in sorted(item.migrations, key=search.order.__getitem__):
        at = search.place(story, name)
        story = (*story[:at], Run(name), *story[at:])
    return counted(search, story) - own


def _against(search: Search, story: Story, toggled: frozenset[str]) -> int:
    """Count the migrations of which a story says something else than the tracker, where some are toggled."""
    there = {step.migration for step in story if isinstance(step, Run)}
    return sum(
        ((item.id in there) != (item.id in toggled)) != (item.id in search.subject.recorded)
        for item in search.subject.migrations
        if item.id in toggled or (item.id in there) != (item.id in search.subject.recorded)
    )
