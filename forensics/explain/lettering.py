"""The stored text of SQLite's tables: the statement that made a table, and what was appended to it, in the words of whoever ran it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from forensics.explain.story import State
from forensics.model import Group
from forensics.sqltext import fold, tokens


def text(group: Group) -> str:
    """Return the text of a group's table; nothing where it has none."""
    return group.source[0].strip() if group.source and group.source[0][:12].upper() == "CREATE TABLE" else ""


def parts(stored: str) -> list[str]:
    """Return the parts of a definition in a fixed order: a rebuild that reflects the table puts unnamed constraints in any."""
    ends = _cuts(stored)
    starts = [stored.find("("), *ends]
    return sorted(fold(stored[at + 1 : end]) for at, end in zip(starts, ends, strict=False))


def alike(one: str, other: str) -> bool:
    """Whether two texts have the same parts."""
    return one == other or parts(one) == parts(other)


def nearer(live: State, one: State, other: State) -> bool:
    """Whether a table of the live schema is spelled as in the second state and not as in the first, and none the other way round."""
    better = [_closer(live[name], one.get(name), other.get(name)) for name in live]
    return any(item > 0 for item in better) and not any(item < 0 for item in better)


def _closer(live: Group, one: Group | None, other: Group | None) -> int:
    if one is other or one is None or other is None or not text(live):
        return 0
    return alike(text(live), text(other)) - alike(text(live), text(one))


def appended(stored: str) -> frozenset[tuple[str, str]]:
    """Return the columns that `ADD COLUMN` appended to a stored text, each with its definition as it stands there.

    SQLite puts a comma and a blank before it. That can be told where the columns before it are set apart in another way.
    """
    items = tokens(stored)
    found = set()
    usual = ""
    for at, end in pairwise(_cuts(stored)):
        following = next(item for item in items if item.start > at)
        gap = stored[at : following.start]
        usual = usual or gap
        if gap == ", " != usual:
            found.add((following.text.strip("\"`[]").casefold(), stored[following.start : end].strip()))
    return frozenset(found)


def names(columns: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the names of such columns."""
    return frozenset(name for name, _definition in columns)


def _cuts(stored: str) -> list[int]:
    """Return where the parts of a table's definition end: at the commas of its outermost parentheses, and where these close."""
    depth = 0
    ends = []
    for item in tokens(stored):
        depth += (item.text == "(") - (item.text == ")")
        if (item.text == "," and depth == 1) or (item.text == ")" and not depth):
            ends.append(item.start)
    return ends
