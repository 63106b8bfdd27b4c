"""The objects of one group: what the stored texts of a table and its indexes and triggers, or of a view, declare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from forensics.catalogs.sqlite_ddl import (
    Clause,
    Column,
    UnreadableText,
    definition,
    folded,
    options,
    pieces,
    predicate,
    term,
)
from forensics.catalogs.sqlite_normal import column_object, constraint_object, key_text, reference_ident
from forensics.model import Attrs, Group, SchemaObject
from forensics.sqltext import Token, fold, join, name_key, tokens, unquote

Row = tuple[str, str, str, str | None]

_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b", re.IGNORECASE)
_UNIQUE = re.compile(r"\s*CREATE\s+UNIQUE\b", re.IGNORECASE)
_ORDER = {"table": 0, "view": 0, "index": 1, "trigger": 2}


class Built(NamedTuple):
    """A group, the (folded) columns of its primary key, and the parents of foreign keys that name no columns."""

    group: Group
    key: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


class _Table(NamedTuple):
    objects: list[SchemaObject]
    collations: dict[str, str]
    key: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


def build(rows: Sequence[Row], parents: Mapping[str, tuple[str, ...]]) -> Built:
    """Return the group that these rows of ``sqlite_master`` stand for; ``parents`` has the keys of its parents.

    Never fails: a text that cannot be read becomes an object whose meaning is the folded text.
    """
    name = next((row[1] for row in rows if row[0] in ("table", "view")), rows[0][2])
    table = _Table([], {})
    objects: list[SchemaObject] = []
    for kind, own, _, sql in sorted(rows, key=lambda row: _ORDER.get(row[0], 3)):
        assert sql is not None
        try:
            if kind == "table":
                table = _virtual(own, sql) if _VIRTUAL.match(sql) else _table(own, sql, parents)
                objects += table.objects
            elif kind == "index":
                objects.append(_index(name, own, sql, table.collations))
            else:
                objects.append(_program(kind, None if kind == "view" else name, own, sql))
        except UnreadableText:
            objects.append(_text_only(kind, None if kind in ("table", "view") else name, own, sql))
    source = tuple([row[3] for row in rows if row[3] is not None])
    return Built(Group(name=name, objects=tuple(objects), source=source), table.key, table.parents)


def _text_only(kind: str, table: str | None, name: str, sql: str) -> SchemaObject:
    return SchemaObject(kind=kind, table=table, name=name, ident=name_key(name), meaning=(("sql", fold(sql)),))


@lru_cache(maxsize=16)
def _table_meaning(without_rowid: bool, strict: bool, autoincrement: bool) -> Attrs:
    return (("without_rowid", without_rowid), ("strict", strict), ("autoincrement", autoincrement))


def _table(name: str, sql: str, parents: Mapping[str, tuple[str, ...]]) -> _Table:
    _, inside, tail = pieces(sql)
    columns: list[Column] = []
    clauses: list[Clause] = []
    for piece in inside:
        found = definition(piece)
        if isinstance(found, Column):
            columns.append(found)
            clauses += found.clauses
        else:
            clauses += found
    without_rowid, strict = options(tail)
    collations = {name_key(column.name): name_key(column.collation) or "binary" for column in columns}
    names = frozenset(collations)
    primary = next((clause for clause in clauses if clause.kind == "primary_key"), None)
    key = tuple([name_key(item.column) for item in primary.terms]) if primary else ()
    alias = bool(primary) and _aliases_rowid(primary, columns) and not without_rowid
    full = key if alias or without_rowid or strict else ()
    objects = [SchemaObject(
        kind="table", table=None, name=name, ident=name_key(name),
        meaning=_table_meaning(without_rowid, strict, primary is not None and primary.autoincrement),
    )]  # fmt: skip
    for position, column in enumerate(columns, start=1):
        notnull = bool(full) and name_key(column.name) in full
        objects.append(column_object(name, column, position, columns=names, notnull=notnull, strict=strict))
    constraints, implicit = _constraints(name, clauses, collations, parents, alias)
    return _Table(objects + constraints, collations, key, implicit)


def _aliases_rowid(primary: Clause | None, columns: Sequence[Column]) -> bool:
    """Say whether a primary key is another name of the rowid: one column of type INTEGER, spelled just so.

    ``x INTEGER PRIMARY KEY DESC`` is not, but ``PRIMARY KEY (x DESC)`` is (a documented quirk of SQLite).
    """
    if primary is None or len(primary.terms) != 1 or primary.descending:
        return False
    key = name_key(primary.terms[0].column)
    return any(name_key(column.name) == key and column.type.upper() == "INTEGER" for column in columns)


def _constraints(
    table: str,
    clauses: Sequence[Clause],
    collations: dict[str, str],
    parents: Mapping[str, tuple[str, ...]],
    alias: bool,
) -> tuple[list[SchemaObject], tuple[str, ...]]:
    found: dict[str, list[SchemaObject]] = {"primary_key": [], "foreign_key": [], "unique": [], "check": []}
    implicit: dict[str, None] = {}
    unique = set()
    for clause in sorted(clauses, key=lambda item: item.kind != "primary_key") if len(clauses) > 1 else clauses:
        kind = clause.kind
        if kind == "primary_key":
            columns = key_text(clause.terms, collations)
            unique.add(_plain(clause, collations))
            item = constraint_object(table, clause, "", (("columns", columns), ("rowid", alias)))
            item = item if clause.name else replace(item, name=columns)
        elif kind == "unique":
            ident = _plain(clause, collations)
            if ident in unique:
                # Nothing is said by naming the same columns twice, and SQLite makes one index of them.
                continue
            unique.add(ident)
            item = constraint_object(table, clause, ident, ())
        elif kind == "check":
            item = constraint_object(table, clause, folded(clause.text, frozenset(collations)), ())
        else:
            parent = name_key(clause.parent)
            if not clause.parent_columns:
                implicit[parent] = None
            child = [name_key(each.column) for each in clause.terms]
            target = [name_key(each) for each in clause.parent_columns] or parents.get(parent, ())
            item = constraint_object(table, clause, reference_ident(child, parent, target), (
                ("on_update", clause.on_update or "no action"), ("on_delete", clause.on_delete or "no action"),
                ("deferrable", clause.deferred),
            ))  # fmt: skip
        _add(found[kind], item)
    return [item for items in found.values() for item in items], tuple(implicit)


def _plain(clause: Clause, collations: dict[str, str]) -> str:
    return key_text([replace(item, descending=False) if item.descending else item for item in clause.terms], collations)


def _add(items: list[SchemaObject], item: SchemaObject) -> None:
    """Add an object unless it is there already; the same structure with another meaning gets a number."""
    same = [other for other in items if other.ident == item.ident or other.ident.startswith(item.ident + " #")]
    if same and all(other.meaning != item.meaning for other in same):
        items.append(replace(item, ident=f"{item.ident} #{len(same) + 1}"))
    elif not same:
        items.append(item)


def _virtual(name: str, sql: str) -> _Table:
    items = tokens(sql)
    place = next((place for place, token in enumerate(items) if token.word == "using"), -1)
    if place < 0 or place + 1 >= len(items):
        raise UnreadableText(sql)
    arguments = items[place + 3 : -1] if items[-1].text == ")" else []
    meaning: Attrs = (
        *_table_meaning(False, False, False),
        ("module", name_key(unquote(items[place + 1].text))),
        ("arguments", join(arguments)),
    )
    return _Table([SchemaObject(kind="table", table=None, name=name, ident=name_key(name), meaning=meaning)], {})


def _index(table: str, name: str, sql: str, collations: dict[str, str]) -> SchemaObject:
    _, inside, tail = pieces(sql)
    meaning: Attrs = (
        ("unique", _UNIQUE.match(sql) is not None),
        ("columns", key_text([term(piece) for piece in inside], collations)),
        ("predicate", predicate(tail)),
    )
    return SchemaObject(kind="index", table=table, name=name, ident=name_key(name), meaning=meaning)


def _program(kind: str, table: str | None, name: str, sql: str) -> SchemaObject:
    """Return the object of a view or a trigger, whose meaning is its text without its own name."""
    items = tokens(sql)
    place = next((place for place, token in enumerate(items) if token.word == kind), -1) + 1
    if items[place + 1 : place + 2] and items[place + 1].text == ".":
        place += 2
    rest = items[place + 1 :]
    if place == 0 or not rest:
        raise UnreadableText(sql)
    if rest[-1].text == ";":
        rest.pop()
    text = join(rest) if kind == "view" else _trigger(rest)
    return SchemaObject(kind=kind, table=table, name=name, ident=name_key(name), meaning=(("sql", text),))


def _trigger(items: list[Token]) -> str:
    # BEFORE is what a trigger is without a word, and FOR EACH ROW is the only kind there is.
    begin = next((place for place, token in enumerate(items) if token.word == "begin"), len(items))
    words = [token.word for token in items[:begin]]
    for place in range(len(words) - 2):
        if words[place : place + 3] == ["for", "each", "row"]:
            items = items[:place] + items[place + 3 :]
            break
    text = join(items)
    return text if words[:1] in (["before"], ["after"], ["instead"]) else f"before {text}"


