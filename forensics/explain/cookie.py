"""What SQLite's schema cookie says of migrations that leave no other trace.

``PRAGMA schema_version`` rises by one with each statement that changes the schema, so a rebuild that changes no definition is counted
all the same. It is bound to the exact sum: only where the statements of a story add up to the live number, with a migration or
without it, does it decide. After VACUUM, a restore or a copy by the backup interface no sum fits, and nothing is concluded.
"""

from __future__ import annotations

from dataclasses import replace

from forensics.explain.judge import Judged
from forensics.explain.search import Search
from forensics.explain.story import Played, Run, Story


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


def by_cookie(search: Search, played: Played, judged: dict[str, Judged]) -> dict[str, Judged]:
    """Return the judgements with those that the schema cookie can decide in place of ``unknown``."""
    cookie = search.subject.cookie
    silent = [name for name, item in judged.items() if item.executed == "unknown" and _writes(search, name)]
    if cookie is None or not silent:
        return judged
    story = played.story
    own = counted(search, story)
    decided = dict(judged)
    for name in silent:
        step = Run(name)
        if step in story:
            other = counted(search, tuple(item for item in story if item != step))
            answer = "yes" if own == cookie != other else "no" if other == cookie != own else ""
        else:
            at = search.place(story, name)
            other = counted(search, (*story[:at], step, *story[at:]))
            answer = "no" if own == cookie != other else "yes" if other == cookie != own else ""
        if answer:
            decided[name] = replace(judged[name], executed=answer, basis="physical", why="")
    return decided


def _writes(search: Search, name: str) -> bool:
    """Whether a migration executes statements that the cookie counts, in the replay of the chain alone."""
    order = search.reference.order
    if name not in order:
        return False
    before = tuple(Run(item) for item in order[: order.index(name)])
    return counted(search, (*before, Run(name))) > counted(search, before)
