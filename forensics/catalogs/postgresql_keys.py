"""The constraints and indexes of a PostgreSQL table out of catalogue rows: structure is identity, names are a trace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from forensics.catalogs.postgresql_expressions import expression
from forensics.catalogs.postgresql_names import address, spell
from forensics.catalogs.postgresql_normal import condition, index_keys, inside, numbers, spelled, unwrapped
from forensics.catalogs.postgresql_objects import Names, Row
from forensics.model import Attrs, SchemaObject, made
from forensics.sqltext import name_key

ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_DEFERRED = re.compile(r"( DEFERRABLE)?( INITIALLY DEFERRED)?\Z")


def constraint(table: str, row: Row, names: Names, index: Row | None, comment: str) -> SchemaObject | None:
    """Return the object of a row of the query ``constraints``; ``index`` is the row of the index behind a key."""
    (_, relation, name, kind, deferrable, deferred, valid, _, parent, on_update, on_delete, match, no_inherit,
     key, parent_key, set_columns, enforced, period, text) = row  # fmt: skip
    meaning: Attrs = ()
    ident = asked = ""
    written: Attrs = ()
    if kind in ("p", "u"):
        columns = names.columns.get(relation, {})
        keys, more = (numbers(key), ()) if index is None else _keys(index[7], index[6])
        shown = spell(columns.get(keys[0], "?")) if len(keys) == 1 else _listed(keys, columns)
        if kind == "p":
            what, meaning = "primary_key", (("columns", shown),)
        else:
            what, ident = "unique", shown
        if more:
            meaning += (("include", _unordered(more, columns)),)
            written = spelled("include", meaning[-1][1], _listed(more, columns))
        if index is not None and index[11]:
            meaning += (("nulls_not_distinct", True),)
    elif kind == "f":
        what = "foreign_key"
        columns = names.columns.get(relation, {})
        pairs, target = _pairs(numbers(key), numbers(parent_key), columns, names, parent)
        ident = _reference(pairs, target)
        if len(pairs) > 1:
            ordered = _reference(sorted(pairs), target)
            if ordered != ident:
                ident, asked = ordered, ident
        meaning = _foreign(on_update, on_delete, deferrable)
        if match == "f":
            meaning += (("match", "full"),)
        if set_columns:
            chosen = numbers(set_columns)
            normal = None if set(chosen) == set(numbers(key)) else _unordered(chosen, columns)
            meaning += () if normal is None else (("set_columns", normal),)
            written = spelled("set_columns", normal, _listed(chosen, columns))
    elif kind == "c":
        bare = unwrapped(text or "")
        what, ident = "check", condition(bare)
        written = spelled("text", ident, bare)
    elif kind == "x":
        bare = _DEFERRED.sub("", text or "")
        what, ident, meaning = "check", expression(bare), (("exclusion", True),)
        written = spelled("text", ident, bare)
    else:
        return None
    if deferrable or no_inherit or period or not valid or not enforced:
        meaning += _rare(kind, deferrable, deferred, no_inherit, valid, enforced, period)
    trace: Attrs = (("name", name), ("comment", comment)) if comment else (("name", name),)
    if asked:
        trace += (("reference", asked),)
    if written:
        trace += written
    return made(what, table, name, ident, meaning, trace)


def _rare(
    kind: str, deferrable: bool, deferred: bool, no_inherit: bool, valid: bool, enforced: bool, period: bool
) -> Attrs:
    found: Attrs = ()
    if deferrable and kind != "f":
        found += (("deferrable", True),)
    if deferred:
        found += (("deferred", True),)
    if no_inherit and kind == "c":
        found += (("no_inherit", True),)
    if not enforced:
        found += (("enforced", False),)
    elif not valid:
        found += (("valid", False),)
    return (*found, ("period", True)) if period else found


@lru_cache(maxsize=1 << 10)
def _keys(key: str, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the numbers of the key columns of an index and of those that it only includes."""
    found = numbers(key)
    return found[:count], found[count:]


def _listed(numbers_: Sequence[int], columns: Mapping[int, str]) -> str:
    return ", ".join([spell(columns.get(number, "?")) for number in numbers_])


def _unordered(numbers_: Sequence[int], columns: Mapping[int, str]) -> str:
    """Return columns as a list whose order means nothing."""
    return ", ".join(sorted([spell(columns.get(number, "?")) for number in numbers_]))


def _pairs(
    child: Sequence[int], parent_key: Sequence[int], columns: Mapping[int, str], names: Names, parent: int
) -> tuple[list[tuple[str, str]], str]:
    theirs = names.columns.get(parent, {})
    pairs = [
        (spell(columns.get(one, "?")), spell(theirs.get(two, "?")))
        for one, two in zip(child, parent_key, strict=False)
    ]
    return pairs, address(names.tables.get(parent, "?"))


def _reference(pairs: Sequence[tuple[str, str]], target: str) -> str:
    if len(pairs) == 1:
        return f"{pairs[0][0]}->{target}({pairs[0][1]})"
    return f"{', '.join([one for one, _ in pairs])}->{target}({', '.join([two for _, two in pairs])})"


@lru_cache(maxsize=256)
def _foreign(on_update: str, on_delete: str, deferrable: bool) -> Attrs:
    return (
        ("on_update", ACTIONS.get(on_update, on_update)), ("on_delete", ACTIONS.get(on_delete, on_delete)),
        ("deferrable", deferrable),
    )  # fmt: skip


def index(table: str, row: Row, names: Names, comment: str) -> SchemaObject:
    """Return the object of a row of the query ``indexes``."""
    _, relation, name, method, unique, valid, count, key, classes, options, collations = row[:11]
    nulls, storage, text, predicate = row[11:15]
    columns = names.columns.get(relation, {})
    keys, more = _keys(key, count)
    way = names.named.get(("method", method), "btree")
    trace: Attrs = (("storage", storage),) if storage else ()
    if text is None:
        asked = _terms(
            tuple([columns.get(number, "?") for number in keys]),
            names.classes.get(classes, ()),
            options,
            _collations(relation, keys, collations, names),
        )
    else:
        asked = _deparsed(name, way, unique, text)
    shown = index_keys(asked) if text is not None or "_ops" in asked else asked
    if shown != asked:
        trace += (("columns", asked),)
    where = None
    if predicate is not None:
        bare = unwrapped(predicate)
        where = condition(bare)
        trace += spelled("predicate", where, bare)
    meaning = _index_meaning(unique, way, shown, where)
    if more:
        meaning += (("include", _unordered(more, columns)),)
        trace += spelled("include", meaning[-1][1], _listed(more, columns))
    if nulls:
        meaning += (("nulls_not_distinct", True),)
    if not valid:
        meaning += (("valid", False),)
    ident = name_key(name)
    if ident != name:
        meaning += (("name", name),)
    if comment:
        trace += (("comment", comment),)
    return made("index", table, name, ident, meaning, trace)


@lru_cache(maxsize=1 << 12)
def _index_meaning(unique: bool, way: str, columns: str, predicate: str | None) -> Attrs:
    return (("unique", unique), ("method", way), ("columns", columns), ("predicate", predicate))


def _collations(relation: int, keys: Sequence[int], given: str, names: Names) -> tuple[str, ...]:
    """Return, for each key of an index, a collation that is not its column's, or nothing where none is."""
    if relation not in names.collated and given in names.plain:
        return ()
    usual = names.collations(relation)
    return tuple([
        "" if oid in (0, usual.get(number)) else names.named.get(("collation", oid), "?")
        for number, oid in zip(keys, numbers(given), strict=False)
    ])  # fmt: skip


@lru_cache(maxsize=1 << 13)
def _terms(
    columns: tuple[str, ...], classes: tuple[str, ...], options: str, collations: tuple[str, ...]
) -> str:
    terms = []
    bits = numbers(options)
    for place, name in enumerate(columns):
        text = spell(name)
        if collations and collations[place]:
            text += f" COLLATE {collations[place]}"
        if classes and classes[place]:
            text += f" {classes[place]}"
        descending, first = bits[place] & 1, bits[place] & 2
        if descending:
            text += " DESC" if first else " DESC NULLS LAST"
        elif first:
            text += " NULLS FIRST"
        terms.append(text)
    return ", ".join(terms)


def _deparsed(name: str, way: str, unique: bool, text: str) -> str:
    """Take the keys of an index out of its definition, which alone spells expressions with all that belongs to them."""
    head = f"CREATE {'UNIQUE ' if unique else ''}INDEX {spell(name)} ON "
    place = text.find(f" USING {spell(way)} (", len(head) if text.startswith(head) else 0)
    return inside(text, text.index("(", place)) if place >= 0 else text
