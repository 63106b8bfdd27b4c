"""The objects of a PostgreSQL table: columns, constraints, indexes and triggers out of catalogue rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from forensics.catalogs.postgresql_names import address, label, literal, spell
from forensics.catalogs.postgresql_normal import condition, default_value, inside, numbers, type_name
from forensics.model import Attrs, Scalar, SchemaObject
from forensics.sqltext import name_key

Row = Sequence[Any]

_new = SchemaObject.__new__
_KIND, _TABLE, _NAME, _IDENT, _MEANING, _TRACE, _POSITION = (
    SchemaObject.__dict__[item.name].__set__ for item in fields(SchemaObject)
)

ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_ENABLED = {"D": "disabled", "R": "replica", "A": "always"}
_IDENTITY = {"a": "always", "d": "by default"}
_TYPE_LIMITS = {21: ("smallint", 2**15 - 1), 23: ("integer", 2**31 - 1), 20: ("bigint", 2**63 - 1)}
_HIGHEST = frozenset(limit for _, limit in _TYPE_LIMITS.values())
_LOWEST = frozenset(-limit - 1 for limit in _HIGHEST)
_DEFERRED = re.compile(r"( DEFERRABLE)?( INITIALLY DEFERRED)?\Z")


@dataclass(frozen=True, slots=True)
class Names:
    """What identifiers in catalogue rows stand for.

    ``tables``: label of a relation; ``columns``: names of its columns by number; ``types``: type text and collation by
    identifier and modifier; ``named``: collations and methods; ``classes``: the operator classes of a vector of them,
    empty where it is the default of its type. ``collations`` gives the collations of a relation's columns by number;
    ``collated`` are the relations where one is not the default, ``plain`` the vectors of nothing but the default.
    """

    tables: Mapping[int, str]
    columns: Mapping[int, Mapping[int, str]]
    types: Mapping[tuple[int, int], tuple[str, int]]
    named: Mapping[tuple[str, int], str]
    classes: Mapping[str, tuple[str, ...]]
    collations: Callable[[int], Mapping[int, int]]
    collated: frozenset[int]
    plain: frozenset[str]


@dataclass(frozen=True, slots=True)
class OwnSequence:
    """A sequence: its label, its options that are not the default, its type, and the default that draws from it.

    ``options`` leaves the limits of any integer type out, as those of a column's sequence depend on who made it.
    """

    label: str
    options: Attrs
    exact: Attrs
    type: str
    default: str
    identity: bool


def made(
    kind: str, table: str | None, name: str, ident: str, meaning: Attrs, trace: Attrs, position: int | None = None
) -> SchemaObject:
    """Return an object as its class would make it, in a third of the time: a database has ten thousand of them."""
    item = _new(SchemaObject)
    _KIND(item, kind)
    _TABLE(item, table)
    _NAME(item, name)
    _IDENT(item, ident)
    _MEANING(item, meaning)
    _TRACE(item, trace)
    _POSITION(item, position)
    return item


def own_name(name: str) -> tuple[str, Attrs]:
    """Return the identity that a name gives, and the attribute that tells names which differ only in case apart."""
    key = name_key(name)
    return (key, ()) if key == name else (key, (("name", name),))


def distinct(items: list[SchemaObject]) -> list[SchemaObject]:
    """Return objects with identities of their own: one that is there already is numbered, or spelled where a name."""
    if len({(item.kind, item.ident) for item in items}) == len(items):
        return items
    taken: dict[tuple[str, str], int] = {}
    found: list[SchemaObject] = []
    # What is written as its identity keeps it, whatever stands before it.
    exact = {(item.kind, item.name) for item in items}
    for item in items:
        key = (item.kind, item.ident)
        if item.kind in ("column", "index", "trigger"):
            if item.name != item.ident and (key in taken or key in exact):
                item = replace(item, ident=spell(item.name))
        elif key in taken:
            taken[key] += 1
            item = replace(item, ident=f"{item.ident} #{taken[key]}")
        taken.setdefault(key, 1)
        found.append(item)
    return found


def sequence(row: Row, schemas: Mapping[int, str]) -> OwnSequence:
    """Return what a row of the query ``sequences`` describes."""
    _, schema, name, kind, start, increment, low, high, cache, cycle, _, _, dependency, _ = row
    type_, limit = _TYPE_LIMITS.get(kind, ("bigint", 2**63 - 1))
    options: list[tuple[str, Scalar]] = []
    limits: list[tuple[str, Scalar]] = []
    up = increment > 0
    if increment != 1:
        options.append(("increment", increment))
    if low != (1 if up else -limit - 1):
        (options if up or low not in _LOWEST else limits).append(("minimum", low))
    if high != (limit if up else -1):
        (limits if up and high in _HIGHEST else options).append(("maximum", high))
    if start != (low if up else high):
        options.append(("start", start))
    if cache != 1:
        options.append(("cache", cache))
    if cycle:
        options.append(("cycle", True))
    space = schemas[schema]
    return OwnSequence(
        label=label(space, name),
        options=tuple(options),
        exact=(*options, *limits),
        type=type_,
        default=f"nextval({literal(f'{spell(space)}.{spell(name)}')}::regclass)",
        identity=dependency == "i",
    )


@lru_cache(maxsize=1 << 13)
def _column_form(
    kind: str, notnull: bool, identity: str, generated: str, collation: str, default: str | None
) -> tuple[Attrs, Attrs]:
    """Return meaning and trace of a column, without what is its own (its sequence, its comment)."""
    type_ = type_name(kind)
    value = None if generated else default_value(default, type_)
    meaning: list[tuple[str, Scalar]] = [("type", type_), ("notnull", notnull), ("default", value)]
    if collation:
        meaning.append(("collation", collation))
    if identity:
        meaning.append(("identity", _IDENTITY.get(identity, identity)))
    if generated:
        meaning += [("generated", condition(default or "")), ("stored", generated == "s")]
    trace: list[tuple[str, Scalar]] = []
    if type_ != kind:
        trace.append(("type", kind))
    if default is not None and not generated and default != value:
        trace.append(("default", default))
    return tuple(meaning), tuple(trace)


def column_form(row: Row, default: str | None, names: Names) -> tuple[Attrs, Attrs]:
    """Return what a row of the query ``columns`` means and its trace, apart from what is the column's own."""
    _, _, _, type_, modifier, notnull, identity, generated, collation, _ = row
    kind, usual = names.types.get((type_, modifier), ("unknown", 0))
    other = names.named.get(("collation", collation), "") if collation not in (0, usual) else ""
    return _column_form(kind, notnull, identity, generated, other, default)


def column(
    table: str, row: Row, position: int, form: tuple[Attrs, Attrs], owned: OwnSequence | None, serial: bool,
    comment: str, weak: bool,
) -> SchemaObject:  # fmt: skip
    """Return the object of a column with something of its own: a name with capitals, a sequence, a comment.

    ``serial`` is what an identity ``BY DEFAULT`` is: the same sequence, the same effect. ``weak``: its NOT NULL was
    never checked against the rows that were there.
    """
    name = row[2]
    meaning, trace = form
    ident = name_key(name)
    if ident != name:
        meaning += (("name", name),)
    if weak:
        meaning += (("valid", False),)
    if owned is not None:
        meaning += owned.options
        trace += (("serial" if serial else "sequence", owned.label),)
        if serial and owned.type != dict(form[0])["type"]:
            trace += (("sequence type", owned.type),)
    if comment:
        trace += (("comment", comment),)
    return made("column", table, name, ident, meaning, trace, position)


def constraint(table: str, row: Row, names: Names, index: Row | None, comment: str) -> SchemaObject | None:
    """Return the object of a row of the query ``constraints``; ``index`` is the row of the index behind a key."""
    (_, relation, name, kind, deferrable, deferred, valid, _, parent, on_update, on_delete, match, no_inherit,
     key, parent_key, set_columns, enforced, period, text) = row  # fmt: skip
    meaning: Attrs = ()
    ident = asked = ""
    if kind in ("p", "u"):
        columns = names.columns.get(relation, {})
        keys, more = (numbers(key), ()) if index is None else _keys(index[7], index[6])
        shown = spell(columns.get(keys[0], "?")) if len(keys) == 1 else _listed(keys, columns)
        if kind == "p":
            what, meaning = "primary_key", (("columns", shown),)
        else:
            what, ident = "unique", shown
        if more:
            meaning += (("include", _listed(more, columns)),)
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
            meaning += (("set_columns", _listed(numbers(set_columns), columns)),)
    elif kind == "c":
        what, ident = "check", condition(text or "")
    elif kind == "x":
        what, ident, meaning = "check", _DEFERRED.sub("", text or ""), (("exclusion", True),)
    else:
        return None
    if deferrable or no_inherit or period or not valid or not enforced:
        meaning += _rare(kind, deferrable, deferred, no_inherit, valid, enforced, period)
    trace: Attrs = (("name", name), ("comment", comment)) if comment else (("name", name),)
    if asked:
        trace += (("reference", asked),)
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
    if text is None:
        shown = _terms(
            tuple([columns.get(number, "?") for number in keys]),
            names.classes.get(classes, ()),
            options,
            _collations(relation, keys, collations, names),
        )
    else:
        shown = _deparsed(name, way, unique, text)
    meaning = _index_meaning(unique, way, shown, None if predicate is None else condition(predicate))
    if more:
        meaning += (("include", _listed(more, columns)),)
    if nulls:
        meaning += (("nulls_not_distinct", True),)
    if not valid:
        meaning += (("valid", False),)
    ident = name_key(name)
    if ident != name:
        meaning += (("name", name),)
    trace: Attrs = (("storage", storage),) if storage else ()
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


def trigger(table: str, row: Row) -> SchemaObject:
    """Return the object of a row of the query ``triggers``: its meaning is its definition without its own name."""
    _, name, enabled, of_constraint, text = row
    head = f"CREATE {'CONSTRAINT ' if of_constraint else ''}TRIGGER {spell(name)} "
    meaning: Attrs = (("sql", text.removeprefix(head)),)
    if of_constraint:
        meaning += (("constraint", True),)
    if enabled in _ENABLED:
        meaning += (("enabled", _ENABLED[enabled]),)
    ident, own = own_name(name)
    return made("trigger", table, name, ident, meaning + own, ())
