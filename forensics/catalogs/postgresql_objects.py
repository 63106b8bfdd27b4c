"""The objects of a PostgreSQL table: columns, sequences and triggers out of catalogue rows, and what all share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from forensics.catalogs.postgresql_names import label, literal, spell
from forensics.catalogs.postgresql_normal import condition, default_value, spelled, trigger_text, type_name, unwrapped
from forensics.model import Attrs, Scalar, SchemaObject, made
from forensics.sqltext import name_key

Row = Sequence[Any]

_ENABLED = {"D": "disabled", "R": "replica", "A": "always"}
_IDENTITY = {"a": "always", "d": "by default"}
_TYPE_LIMITS = {21: ("smallint", 2**15 - 1), 23: ("integer", 2**31 - 1), 20: ("bigint", 2**63 - 1)}
_HIGHEST = frozenset(limit for _, limit in _TYPE_LIMITS.values())
_LOWEST = frozenset(-limit - 1 for limit in _HIGHEST)


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
    if generated:
        trace += spelled("generated", condition(default or ""), unwrapped(default or ""))
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


def trigger(table: str, row: Row) -> SchemaObject:
    """Return the object of a row of the query ``triggers``: its meaning is its definition without its own name."""
    _, name, enabled, of_constraint, text = row
    head = f"CREATE {'CONSTRAINT ' if of_constraint else ''}TRIGGER {spell(name)} "
    written = text.removeprefix(head)
    meaning: Attrs = (("sql", trigger_text(written)),)
    if of_constraint:
        meaning += (("constraint", True),)
    if enabled in _ENABLED:
        meaning += (("enabled", _ENABLED[enabled]),)
    ident, own = own_name(name)
    return made("trigger", table, name, ident, meaning + own, spelled("sql", meaning[0][1], written))
