"""What a definition is about, whatever its spelling: the verb, the kind of object, its name and its table.

It is enough to find the operation that a statement of a log came from where only the operation is known, not the text
that some library made of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from forensics.sqltext import Token, join, name_key, tokens, unquote, unwrapped

_SKIPPED = frozenset(
    ("or", "replace", "temp", "temporary", "global", "local", "unlogged", "unique", "recursive", "virtual", "foreign",
     "constraint", "fulltext", "spatial")
)  # fmt: skip
_KINDS = frozenset(
    ("table", "index", "view", "sequence", "type", "function", "procedure", "trigger", "extension", "schema", "domain",
     "policy", "rule", "aggregate", "collation", "publication", "subscription", "statistics")
)  # fmt: skip
_OPEN = frozenset(("primary", "foreign", "unique", "check", "exclude"))
_PYFORMAT = re.compile(r"%\(\w+\)s|%s(?!\w)")
_DEFAULT_SCHEMAS = frozenset(("public", "main"))


class Identity(NamedTuple):
    """One elementary definition. ``verb``: create, drop, alter, rename or add; ``guarded``: ``IF [NOT] EXISTS``.

    ``table`` is set where a name means nothing without it: for columns, constraints, triggers and policies.
    """

    verb: str
    kind: str
    name: str
    table: str = ""
    guarded: bool = False


def normal(sql: str) -> str:
    """Return the normal form by which statements of logs and of migrations are compared.

    It is `sqltext.fold` without the names of parameters, whichever of their styles is used, and without a default
    schema before a name. ``IF EXISTS`` counts: a statement with it is another one.
    """
    return _normal(sql[:200_000])


@lru_cache(maxsize=1 << 13)
def _normal(sql: str) -> str:
    items = tokens(_PYFORMAT.sub("?", sql))
    while items and items[-1].text == ";":
        items.pop()
    kept: list[Token] = []
    for place, token in enumerate(items):
        dot = place + 1 < len(items) and items[place + 1].text == "."
        if dot and token.kind in ("word", "quoted") and name_key(unquote(token.text)) in _DEFAULT_SCHEMAS:
            continue
        if token.text == "." and (place == 0 or (kept[-1:] != [items[place - 1]])):
            continue
        kept.append(Token("parameter", "?", token.start) if token.kind == "parameter" else token)
    return join(unwrapped(kept))


@lru_cache(maxsize=1 << 13)
def identities(sql: str) -> tuple[Identity, ...]:
    """Return what a statement defines, changes or drops, in its order; nothing for one that defines nothing."""
    items = tokens(sql[:200_000])
    while items and items[-1].text == ";":
        items.pop()
    verb = items[0].word if items else ""
    if verb not in ("create", "drop", "alter"):
        return ()
    place = 1
    materialized = False
    while place < len(items) and items[place].word in (*_SKIPPED, "materialized"):
        materialized = materialized or items[place].word == "materialized"
        place += 1
    kind = items[place].word if place < len(items) else ""
    if kind not in _KINDS:
        return ()
    kind = "materialized_view" if materialized else kind
    place, guarded = _guard(items, place + 1)
    if verb == "drop":
        return tuple(_dropped(items, place, kind, guarded))
    name, place = _name(items, place)
    if verb == "alter":
        if kind != "table":
            return (Identity("rename" if _has(items, place, "rename") else "alter", kind, name, "", guarded),)
        return tuple(_altered(items, place, name, guarded))
    table = ""
    if kind in ("trigger", "policy", "rule"):
        on = next((n for n in range(place, len(items)) if items[n].word in ("on", "to")), len(items))
        table = _name(items, on + 1)[0]
    return (Identity("create", kind, name, table, guarded),)


def _dropped(items: list[Token], place: int, kind: str, guarded: bool) -> list[Identity]:
    found: list[Identity] = []
    while place < len(items):
        name, place = _name(items, place)
        table = ""
        if place < len(items) and items[place].text == "(":
            place = _close(items, place) + 1
        if place < len(items) and items[place].word == "on":
            table, place = _name(items, place + 1)
        if name:
            found.append(Identity("drop", kind, name, table if kind in ("trigger", "policy", "rule") else "", guarded))
        if place >= len(items) or items[place].text != ",":
            break
        place += 1
    return found


def _altered(items: list[Token], place: int, table: str, guarded: bool) -> list[Identity]:
    found: list[Identity] = []
    for action in _actions(items[place:]):
        words = [token.word for token in action]
        verb = words[0] if words else ""
        if verb not in ("add", "drop", "alter", "rename"):
            found.append(Identity("alter", "table", table, "", guarded))
            continue
        if verb == "rename" and words[1:2] == ["to"]:
            found.append(Identity("rename", "table", table, "", guarded))
            continue
        at, kind = 1, "column"
        if words[1:2] == ["column"] or words[1:2] == ["constraint"] or (words[1:2] == ["index"] and verb != "alter"):
            at, kind = 2, words[1]
        elif words[1:2] and words[1] in _OPEN:
            found.append(Identity(verb, "constraint", "", table))
            continue
        at, inner = _guard(action, at)
        name = _name(action, at)[0]
        if kind == "index":
            found.append(Identity("create" if verb == "add" else verb, "index", name, "", inner))
        else:
            found.append(Identity(verb, kind, name, table, inner))
    return found


def _actions(items: list[Token]) -> list[list[Token]]:
    found: list[list[Token]] = [[]]
    depth = 0
    for token in items:
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return [item for item in found if item]


def _guard(items: list[Token], place: int) -> tuple[int, bool]:
    """Skip ``CONCURRENTLY``, ``IF [NOT] EXISTS`` and ``ONLY``; return the place after them, and whether it is guarded."""
    guarded = False
    while place < len(items):
        word = items[place].word
        if word == "if" and (ends := [n for n in range(place, min(place + 3, len(items))) if items[n].word == "exists"]):
            place, guarded = ends[0] + 1, True
        elif word in ("concurrently", "only"):
            place += 1
        else:
            break
    return place, guarded


def _name(items: list[Token], place: int) -> tuple[str, int]:
    """Return the name at a place in lower case and without its schema, and the place after it."""
    while place + 2 < len(items) and items[place + 1].text == ".":
        place += 2
    if place >= len(items) or items[place].kind not in ("word", "quoted") or items[place].word == "on":
        return "", place
    return name_key(unquote(items[place].text)), place + 1


def _close(items: list[Token], place: int) -> int:
    depth = 0
    for at in range(place, len(items)):
        depth += (items[at].text == "(") - (items[at].text == ")")
        if depth == 0:
            return at
    return len(items)


def _has(items: list[Token], place: int, word: str) -> bool:
    return any(token.word == word for token in items[place:])
