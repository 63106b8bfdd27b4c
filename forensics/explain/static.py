"""What is concluded of migrations that could not be run: their text says what they would have made, and the schema whether it is there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from forensics.chain.operations import pieces
from forensics.explain.assume import ABSENT
from forensics.explain.judge import Judged
from forensics.explain.reading import reduced
from forensics.explain.story import State, Told
from forensics.explain.votes import Effects
from forensics.model import Migration, SchemaObject

_MAKES = ("create", "add")
_GROUPS = ("table", "view", "materialized_view")
_BRANCHES = (ast.If, ast.Try, ast.While, ast.For, ast.Match)
_BACK = ("downgrade", "down", "rollback")


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that the text of a migration makes or drops: ``kind`` is that of an object, ``name`` and ``table`` case-folded."""

    makes: bool
    kind: str
    name: str
    table: str
    line: int


def effects_read(migration: Migration) -> tuple[Read, ...]:
    """Return what a migration would make and drop, as far as its text spells it out; nothing is run."""
    found: dict[tuple[str, str, str], Read] = {}
    for piece in pieces(migration.language, migration.content.text):
        for item in piece.identities if piece.forward else ():
            if item.verb in (*_MAKES, "drop") and item.name:
                key = (item.kind, item.name.casefold(), item.table.casefold())
                found[key] = Read(item.verb in _MAKES, *key, piece.line)
    return tuple(found.values())


def judge_read(
    migrations: Sequence[Migration], refused: Iterable[str], live: State, dialect: str
) -> dict[str, Judged]:  # fmt: skip
    """Judge the migrations that could not be run by their text alone, as it reads for a dialect.

    ``yes`` and ``no`` only where the text has no branches, or all of it is there; what a later migration drops or makes
    again decides nothing.
    """
    wanted = set(refused)
    answers: dict[str, Judged] = {}
    later: set[tuple[str, str]] = set()
    for migration in reversed(migrations):
        spelled = reduced(migration, dialect)
        item = spelled[0] if spelled is not None and spelled[1] else migration
        read = effects_read(item)
        if item.id in wanted:
            answers[item.id] = _judged(item, read, live, later)
        later |= {(one.kind, one.name) for one in read} | {("table", one.table) for one in read if not one.makes and one.table}
    return answers


def as_read(judged: Judged) -> Judged:
    """Return what a replay of the spelled-out text came to: concluded from the text, however plain the answer."""
    return replace(judged, basis="static") if judged.basis in ("schema", "implied") else judged


def _judged(migration: Migration, read: Sequence[Read], live: State, later: set[tuple[str, str]]) -> Judged:
    present = absent = superseded = 0
    for item in read:
        there = _there(item, live)
        if (item.kind, item.name) in later and not (item.makes and there):
            superseded += 1
        elif item.makes and there is not None:
            present += there
            absent += not there
        elif not item.makes and there:
            absent += 1
    counted = Effects(expected=present + absent + superseded, present=present, absent=absent, superseded=superseded)
    if present and not absent:
        answer = "yes"
    elif absent and branched(migration):
        answer = "unknown"
    elif absent:
        answer = "partial" if present else "no"
    else:
        answer = "unknown"
    return Judged(answer, "none" if answer == "unknown" else "static", counted, "read, not replayed")


def _there(item: Read, live: State) -> bool | None:
    """Tell whether an object is there by its name; None where names do not tell."""
    if item.kind in _GROUPS:
        return item.name in live
    if item.kind == "column":
        group = live.get(item.table)
        return group is not None and any(one.kind == "column" and one.name.casefold() == item.name for one in group.objects)
    if item.kind in ("index", "trigger"):
        return any(one.kind == item.kind and one.name.casefold() == item.name for one in _all(live))
    if item.kind == "constraint":
        group = live.get(item.table)
        named = group is not None and any(str(dict(one.trace).get("name", "")).casefold() == item.name for one in group.objects)
        return True if named else None
    return None


def _all(live: State) -> Iterable[SchemaObject]:
    return (item for group in live.values() for item in group.objects)


def branched(migration: Migration) -> bool:
    """Whether the way forward of a migration branches, so that not all of its text need have run."""
    if migration.language == "sql":
        return False
    try:
        tree = ast.parse(migration.content.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    forward = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name in _BACK)]
    return any(isinstance(node, _BRANCHES) for top in forward for node in ast.walk(top))


class Unreplayed:
    """What the migrations that could not be run would have made: nobody else is to be blamed for it or for its absence."""

    def __init__(self, migrations: Mapping[str, Migration], refused: Iterable[str]) -> None:
        gone = set(refused)
        read = [item for name in migrations if name in gone for item in effects_read(migrations[name])]
        self._order = {name: place for place, name in enumerate(migrations)}
        self._first = min((self._order[name] for name in gone if name in self._order), default=len(self._order))
        self._groups = {item.name for item in read if item.kind in _GROUPS}
        self._parts = {(item.table, item.name) for item in read if item.kind not in _GROUPS}

    def covers(self, kind: str, table: str | None, name: str) -> bool:
        """Whether an object is one that such a migration makes or drops."""
        group, own = (table or name).casefold(), name.casefold()
        return group in self._groups or (group, own) in self._parts or (kind in ("index", "trigger") and ("", own) in self._parts)

    def explains(self, line: Told) -> bool:
        """Whether a failure may be due to one of them: it comes after it, and misses something that no text need spell out."""
        return self._order.get(line.migration, -1) > self._first and bool(ABSENT.search(line.error))
