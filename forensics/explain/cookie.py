"""What SQLite's schema cookie says of migrations that leave no other trace.

``PRAGMA schema_version`` rises by one with each statement that changes the schema, so a rebuild that changes no definition is counted
all the same. It is bound to the exact sum: only where the statements of a story add up to the live number, with some migrations or
without them, does it decide. After VACUUM, a restore or a copy by the backup interface no sum fits, and nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

from forensics.explain.judge import Judged
from forensics.explain.search import Search
from forensics.explain.silent import Silent
from forensics.explain.story import Outside, Played, Run

MOST = 3
SETS = 40
CERTAIN = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """Silent sets of which the opposite of the story holds, and how many contradictions to the tracker that makes."""

    silent: tuple[Silent, ...]
    price: int


def counted(played: Played) -> int:
    """Return how many statements of a story change the schema."""
    return sum(line.ddl for line in played.told)


def certain(played: Played) -> bool:
    """Whether the statements from outside are such as a person would have used, so that they can be counted."""
    return all(len(line.step.ddl) <= CERTAIN for line in played.told if isinstance(line.step, Outside))


def choices(search: Search, played: Played, silent: Iterable[Silent]) -> tuple[Choice, ...]:
    """Return the choices of silent sets that make the story add up to the live cookie.

    Those that contradict the tracker least, and one migration more. The choice of none is the only one where the story adds up by
    itself. Nothing is returned where no choice fits.
    """
    cookie = search.subject.cookie
    if cookie is None or not certain(played):
        return ()
    missing = cookie - counted(played)
    weights = {item: counted(item.other) - counted(item.base) for item in dict.fromkeys(silent)}
    usable = [item for item, weight in weights.items() if weight]
    if len(usable) > SETS:
        return ()
    if not missing:
        return (Choice((), 0),)
    found = []
    for size in range(1, MOST + 1):
        for chosen in combinations(usable, size):
            names = [name for item in chosen for name in item.migrations]
            if len(names) == len(set(names)) and sum(weights[item] for item in chosen) == missing:
                found.append(Choice(chosen, _price(search, chosen)))
    least = min((item.price for item in found), default=0)
    return tuple(item for item in found if item.price <= least + 1)


def _price(search: Search, chosen: Iterable[Silent]) -> int:
    """Count the migrations of which the tracker is wrong if the opposite of the story holds for some sets, less those it is not."""
    price = 0
    for item in chosen:
        for name in item.migrations:
            agrees = item.ran == (name in search.subject.recorded)
            price += 1 if agrees else -1
    return price


def by_cookie(
    search: Search, played: Played, judged: dict[str, Judged], silent: Iterable[Silent]
) -> dict[str, Judged]:
    """Return the judgements with those that the schema cookie can decide in place of ``unknown``."""
    sets = tuple(silent)
    fitting = choices(search, played, sets)
    if not fitting:
        return judged
    there = {step.migration for step in played.story if isinstance(step, Run)}
    # A person may have taken another number of statements than the story does: then the sum accuses nobody.
    loose = any(isinstance(step, Outside) for step in played.story)
    decided = dict(judged)
    for name in sorted({name for item in sets for name in item.migrations}):
        if judged[name].executed != "unknown":
            continue
        said = {_said(choice, name, name in there) for choice in fitting}
        if len(said) == 1 and (answer := said.pop()) != "partial" and _weighs(sets, name):
            if loose and (answer == "yes") != (name in search.subject.recorded):
                continue
            decided[name] = replace(judged[name], executed=answer, basis="physical", why="")
    return decided


def _said(choice: Choice, name: str, there: bool) -> str:
    for item in choice.silent:
        if name in item.migrations:
            return "partial" if item.partly else "no" if there else "yes"
    return "yes" if there else "no"


def _weighs(silent: Iterable[Silent], name: str) -> bool:
    """Whether the cookie can tell a migration at all: it executes statements that are counted, also by itself alone."""
    whole = (item for item in silent if name in item.migrations and not item.partly)
    weights = {item.migrations: counted(item.other) - counted(item.base) for item in whole}
    return weights.get(frozenset([name]), 1) != 0 and any(weights.values())
