"""The objects of one group: what the stored texts of a table and its indexes and triggers, or of a view, declare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from forensics.catalogs.sqlite_ddl import (
    STANDS_FOR,
    check_apart,
    folded,
    name_apart,
    options,
    parent_apart,
    parts,
    pieces,
    predicate,
    table_clauses,
    term,
)
from forensics.catalogs.sqlite_expressions import expression, trigger_items, view_items
from forensics.catalogs.sqlite_grammar import Clause, Term, UnreadableText
from forensics.catalogs.sqlite_normal import Form, constraint_object, form, key_text, reference_ident
from forensics.model import Attrs, Group, SchemaObject, made
from forensics.sqltext import Token, fold, join, name_key, spell, tokens, unquote

Row = tuple[str, str, str, str | None]

_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b", re.IGNORECASE)
_UNIQUE = re.compile(r"\s*CREATE\s+UNIQUE\b", re.IGNORECASE)
_PLAIN_INDEX = re.compile(
    r"""CREATE\ (UNIQUE\ )?INDEX\ (?:\w+|"[^"]*")\ ON\ (?:\w+|"[^"]*")\ ?
    \(((?:\ ?(?:[A-Za-z_]\w*|"[A-Za-z_]\w*"),)*+\ ?(?:[A-Za-z_]\w*|"[A-Za-z_]\w*"))\)\Z""",
    re.VERBOSE | re.ASCII,
)
_ORDER = {"table": 0, "view": 0, "index": 1, "trigger": 2}


class Built(NamedTuple):
    """A group, the (folded) columns of its primary key, and the parents of foreign keys that name no columns."""

    group: Group
    key: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


class Written(NamedTuple):
    """A constraint where it stands: with its columns, and what was taken out of its text to read it once for many."""

    clause: Clause
    terms: tuple[Term, ...]
    name: str
    parent: str = ""
    column: str = ""


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
    inside, tail = parts(sql)
    without_rowid, strict = options(tail) if tail else (False, False)
    columns: dict[str, tuple[str, Form]] = {}
    clauses: list[Written] = []
    for own, text in inside:
        if own is None:
            text, label = name_apart(text)
            text, column = check_apart(text, columns)
            for clause in table_clauses(text):
                clauses.append(Written(clause, clause.terms, label or clause.name, clause.parent, column))
                label = ""
            continue
        parent = column = ""
        if "REFERENCES" in text:
            text, parent, column = parent_apart(text)
        found = form(text.rstrip(), strict)
        columns[own.lower() if own.isascii() else name_key(own)] = (own, found)
        for clause in found.column.clauses:
            clauses.append(Written(clause, _own_term(own), clause.name, parent or clause.parent, column))
    primary = None
    key: tuple[str, ...] = ()
    for item in clauses:
        if item.clause.kind == "primary_key":
            primary, key = item.clause, tuple([name_key(each.column) for each in item.terms])
    alias = primary is not None and not without_rowid and _aliases_rowid(primary, key, columns)
    # These are NOT NULL in effect, whether or not the text or the pragma says so.
    full = key if alias or without_rowid or strict else ()
    meaning = _table_meaning(without_rowid, strict, primary is not None and primary.autoincrement)
    objects = [made("table", None, name, name_key(name), meaning, ())]
    collations: dict[str, str] = {}
    for position, (ident, (own, found)) in enumerate(columns.items(), start=1):
        said, meaning, notnull, trace, collations[ident] = found
        if ident in full:
            meaning = notnull
        if said.generated is not None and '"' in said.generated:
            text = folded(said.generated, frozenset(columns))
            meaning = tuple([(key, text) if key == "generated" else (key, value) for key, value in meaning])
        objects.append(made("column", name, own, ident, meaning, trace, position))
    constraints, implicit = _constraints(name, clauses, collations, parents, alias)
    return _Table(objects + constraints, collations, key, implicit)


@lru_cache(maxsize=1 << 12)
def _own_term(column: str) -> tuple[Term, ...]:
    return (Term(column=column, expression=spell(column)),)


def _aliases_rowid(primary: Clause, key: tuple[str, ...], columns: Mapping[str, tuple[str, Form]]) -> bool:
    """Say whether a primary key is another name of the rowid: one column of type INTEGER, spelled just so.

    ``x INTEGER PRIMARY KEY DESC`` is not, but ``PRIMARY KEY (x DESC)`` is (a documented quirk of SQLite).
    """
    if len(key) != 1 or primary.descending or key[0] not in columns:
        return False
    return columns[key[0]][1].column.type.upper() == "INTEGER"


def _constraints(
    table: str,
    clauses: Sequence[Written],
    collations: dict[str, str],
    parents: Mapping[str, tuple[str, ...]],
    alias: bool,
) -> tuple[list[SchemaObject], tuple[str, ...]]:
    keys: list[SchemaObject] = []
    references: list[SchemaObject] = []
    checks: dict[str, SchemaObject] = {}
    unique: dict[str, SchemaObject] = {}
    implicit: dict[str, None] = {}
    redundant = ""
    for clause, terms, name, written, column in clauses:
        if clause.kind == "primary_key":
            columns = key_text(terms, collations)
            redundant = _undirected(terms, collations) if " desc" in columns else columns
            meaning: Attrs = (("columns", columns), ("rowid", alias))
            keys.append(constraint_object(table, clause, name, "", meaning, shown=columns))
        elif clause.kind == "unique":
            ident = _undirected(terms, collations)
            unique.setdefault(ident, constraint_object(table, clause, name, ident, ()))
        elif clause.kind == "check":
            text = clause.text
            ident = folded(text, frozenset(collations)) if '"' in text else expression(text)
            if column:
                ident = ident.replace(STANDS_FOR, column)
            checks.setdefault(ident, constraint_object(table, clause, name, ident, ()))
        else:
            parent = name_key(written)
            if not clause.parent_columns:
                implicit[parent] = None
            child = [name_key(each.column) for each in terms]
            target = [name_key(each) for each in ((column,) if column else clause.parent_columns)]
            ident = reference_ident(child, parent, target or parents.get(parent, ()))
            _add(references, constraint_object(table, clause, name, ident, _actions(clause)))
    # Nothing is said by naming the columns of the primary key again, and SQLite makes one index of them.
    unique.pop(redundant, None)
    return [*keys, *references, *unique.values(), *checks.values()], tuple(implicit)


@lru_cache(maxsize=1 << 10)
def _actions(clause: Clause) -> Attrs:
    return (
        ("on_update", clause.on_update or "no action"), ("on_delete", clause.on_delete or "no action"),
        ("deferrable", clause.deferred),
    )  # fmt: skip


def _undirected(terms: Sequence[Term], collations: dict[str, str]) -> str:
    if any(item.descending for item in terms):
        terms = [replace(item, descending=False) for item in terms]
    return key_text(terms, collations)


def _add(items: list[SchemaObject], item: SchemaObject) -> None:
    """Add an object unless it is there already; the same structure with another meaning gets a number."""
    if not items:
        items.append(item)
        return
    same = [other for other in items if other.ident == item.ident or other.ident.startswith(item.ident + " #")]
    if not same:
        items.append(item)
    elif all(other.meaning != item.meaning for other in same):
        items.append(replace(item, ident=f"{item.ident} #{len(same) + 1}"))


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


def _index_meaning(unique: bool, columns: str) -> Attrs:
    return (("unique", unique), ("columns", columns), ("predicate", None))


def _index(table: str, name: str, sql: str, collations: dict[str, str]) -> SchemaObject:
    plain = _PLAIN_INDEX.match(sql)
    if plain is not None:
        keys = [piece.strip(' "').lower() for piece in plain[2].split(",")]
        if all(collations.get(key) == "binary" for key in keys):
            meaning = _index_meaning(plain[1] is not None, ", ".join(map(spell, keys)))
            return made("index", table, name, name_key(name), meaning, ())
    _, inside, tail = pieces(sql)
    meaning = (
        ("unique", _UNIQUE.match(sql) is not None),
        ("columns", key_text([term(piece) for piece in inside], collations)),
        ("predicate", predicate(tail, frozenset(collations) if '"' in tail else None)),
    )
    return made("index", table, name, name_key(name), meaning, ())


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
    text = join(view_items(rest)) if kind == "view" else _trigger(rest)
    return SchemaObject(kind=kind, table=table, name=name, ident=name_key(name), meaning=(("sql", text),))


def _trigger(items: list[Token]) -> str:
    # BEFORE is what a trigger is without a word, and FOR EACH ROW is the only kind there is.
    begin = next((place for place, token in enumerate(items) if token.word == "begin"), len(items))
    words = [token.word for token in items[:begin]]
    for place in range(len(words) - 2):
        if words[place : place + 3] == ["for", "each", "row"]:
            items = items[:place] + items[place + 3 :]
            break
    text = join(trigger_items(items))
    return text if words[:1] in (["before"], ["after"], ["instead"]) else f"before {text}"


