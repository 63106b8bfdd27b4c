"""The objects of a PostgreSQL table: columns, constraints, indexes and triggers out of catalogue rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from forensics.catalogs.postgresql_names import address, label, literal, spell, spell_all
from forensics.catalogs.postgresql_normal import condition, default_value, inside, numbers, type_name
from forensics.model import Attrs, Scalar, SchemaObject
from forensics.sqltext import name_key

Row = Sequence[Any]

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

    ``tables``: label of a relation; ``columns``: names of its columns by number, ``collations``: their collations;
    ``types``: type text and collation by identifier and modifier; ``named``: collations, methods and operator classes
    (empty where it is its type's default).
    """

    tables: Mapping[int, str]
    columns: Mapping[int, Mapping[int, str]]
    collations: Mapping[int, Mapping[int, int]]
    types: Mapping[tuple[int, int], tuple[str, int]]
    named: Mapping[tuple[str, int], str]


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


def own_name(name: str) -> tuple[str, Attrs]:
    """Return the identity that a name gives, and the attribute that tells names which differ only in case apart."""
    key = name_key(name)
    return (key, ()) if key == name else (key, (("name", name),))


def distinct(items: Sequence[SchemaObject]) -> list[SchemaObject]:
    """Return objects with identities of their own: one that is there already is numbered, or spelled where a name."""
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
    kind: str, notnull: bool, identity: str | None, generated: str | None, collation: str, default: str | None
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


def column(
    table: str, row: Row, position: int, names: Names, owned: OwnSequence | None, comment: str, weak: bool
) -> SchemaObject:
    """Return the object of a row of the query ``columns``; ``owned`` is the sequence that the column owns.

    ``weak``: its NOT NULL was never checked against the rows that were there.

    ``serial`` is what an identity ``BY DEFAULT`` is: the same sequence, the same effect.
    """
    _, _, name, type_, modifier, notnull, identity, generated, collation, _, default = row
    kind, usual = names.types.get((type_, modifier), ("unknown", 0))
    other = names.named.get(("collation", collation), "") if collation not in (0, usual) else ""
    serial = owned is not None and not identity and default == owned.default
    meaning, trace = _column_form(
        kind, notnull, "d" if serial else identity, generated, other, None if serial else default
    )
    ident = name_key(name)
    if ident != name:
        meaning += (("name", name),)
    if weak:
        meaning += (("valid", False),)
    if owned is not None and (serial or identity):
        meaning += owned.options
        trace += (("serial" if serial else "sequence", owned.label),)
        if serial and owned.type != kind:
            trace += (("sequence type", owned.type),)
    if comment:
        trace += (("comment", comment),)
    return SchemaObject(
        kind="column", table=table, name=name, ident=ident, meaning=meaning, trace=trace, position=position
    )


def constraint(table: str, row: Row, names: Names, index: Row | None, comment: str) -> SchemaObject | None:
    """Return the object of a row of the query ``constraints``; ``index`` is the row of the index behind a key."""
    (_, relation, name, kind, deferrable, deferred, valid, _, parent, on_update, on_delete, match, no_inherit,
     key, parent_key, set_columns, enforced, period, text) = row  # fmt: skip
    columns = names.columns.get(relation, {})
    meaning: list[tuple[str, Scalar]] = []
    ident = ""
    if kind in ("p", "u"):
        what = "primary_key" if kind == "p" else "unique"
        keys = numbers(key) if index is None else numbers(index[7])[: index[6]]
        shown = spell_all([columns.get(number, "?") for number in keys])
        if kind == "p":
            meaning.append(("columns", shown))
        else:
            ident = shown
        if index is not None:
            if more := numbers(index[7])[index[6] :]:
                meaning.append(("include", spell_all([columns.get(number, "?") for number in more])))
            if index[11]:
                meaning.append(("nulls_not_distinct", True))
        if deferrable:
            meaning.append(("deferrable", True))
    elif kind == "f":
        what = "foreign_key"
        ident = _reference(numbers(key), numbers(parent_key), columns, names, parent)
        meaning += _foreign(on_update, on_delete, deferrable, match, set_columns, columns)
    elif kind == "c":
        what, ident = "check", condition(text or "")
        if no_inherit:
            meaning.append(("no_inherit", True))
    elif kind == "x":
        what, ident = "check", _DEFERRED.sub("", text or "")
        meaning.append(("exclusion", True))
        if deferrable:
            meaning.append(("deferrable", True))
    else:
        return None
    if deferred:
        meaning.append(("deferred", True))
    if not valid and enforced:
        meaning.append(("valid", False))
    if not enforced:
        meaning.append(("enforced", False))
    if period:
        meaning.append(("period", True))
    trace: Attrs = (("name", name), ("comment", comment)) if comment else (("name", name),)
    return SchemaObject(kind=what, table=table, name=name, ident=ident, meaning=tuple(meaning), trace=trace)


def _reference(
    child: Sequence[int], parent_key: Sequence[int], columns: Mapping[int, str], names: Names, parent: int
) -> str:
    theirs = names.columns.get(parent, {})
    pairs = [
        (spell(columns.get(one, "?")), spell(theirs.get(two, "?")))
        for one, two in zip(child, parent_key, strict=False)
    ]
    if len(pairs) > 1:
        pairs.sort()
    target = address(names.tables.get(parent, "?"))
    return f"{', '.join([one for one, _ in pairs])}->{target}({', '.join([two for _, two in pairs])})"


@lru_cache(maxsize=256)
def _plain_foreign(on_update: str, on_delete: str, deferrable: bool) -> tuple[tuple[str, Scalar], ...]:
    return (
        ("on_update", ACTIONS.get(on_update, on_update)), ("on_delete", ACTIONS.get(on_delete, on_delete)),
        ("deferrable", deferrable),
    )  # fmt: skip


def _foreign(
    on_update: str, on_delete: str, deferrable: bool, match: str, some: str | None, columns: Mapping[int, str]
) -> Attrs:
    meaning: Attrs = _plain_foreign(on_update, on_delete, deferrable)
    if match == "f":
        meaning += (("match", "full"),)
    if some:
        meaning += (("set_columns", spell_all([columns.get(number, "?") for number in numbers(some)])),)
    return meaning


def index(table: str, row: Row, names: Names, comment: str) -> SchemaObject:
    """Return the object of a row of the query ``indexes``."""
    _, relation, name, method, unique, valid, count, key, classes, options, collations = row[:11]
    nulls, storage, text, predicate = row[11:15]
    columns = names.columns.get(relation, {})
    way = names.named.get(("method", method), "btree")
    keys = numbers(key)
    if text is None:
        shown = _terms(
            tuple([columns.get(number, "?") for number in keys[:count]]),
            tuple([names.named.get(("class", each), "") for each in numbers(classes)]),
            numbers(options),
            _collations(relation, keys, numbers(collations), names),
        )
    else:
        shown = _deparsed(table, name, way, unique, text)
    meaning: list[tuple[str, Scalar]] = [
        ("unique", unique), ("method", way), ("columns", shown),
        ("predicate", None if predicate is None else condition(predicate)),
    ]  # fmt: skip
    if more := keys[count:]:
        meaning.append(("include", spell_all([columns.get(number, "?") for number in more])))
    if nulls:
        meaning.append(("nulls_not_distinct", True))
    if not valid:
        meaning.append(("valid", False))
    ident, own = own_name(name)
    trace: Attrs = (("storage", storage),) if storage else ()
    if comment:
        trace += (("comment", comment),)
    return SchemaObject(kind="index", table=table, name=name, ident=ident, meaning=(*meaning, *own), trace=trace)


def _collations(relation: int, keys: Sequence[int], given: Sequence[int], names: Names) -> tuple[str, ...]:
    if not any(given):
        return ()
    usual = names.collations.get(relation, {})
    return tuple([
        "" if oid in (0, usual.get(number)) else names.named.get(("collation", oid), "?")
        for number, oid in zip(keys, given, strict=False)
    ])  # fmt: skip


@lru_cache(maxsize=1 << 13)
def _terms(
    columns: tuple[str, ...], classes: tuple[str, ...], options: tuple[int, ...], collations: tuple[str, ...]
) -> str:
    terms = []
    for place, name in enumerate(columns):
        text = spell(name)
        if collations and collations[place]:
            text += f" COLLATE {collations[place]}"
        if classes[place]:
            text += f" {classes[place]}"
        descending, first = options[place] & 1, options[place] & 2
        if descending:
            text += " DESC" if first else " DESC NULLS LAST"
        elif first:
            text += " NULLS FIRST"
        terms.append(text)
    return ", ".join(terms)


def _deparsed(table: str, name: str, way: str, unique: bool, text: str) -> str:
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
    return SchemaObject(kind="trigger", table=table, name=name, ident=ident, meaning=meaning + own)
