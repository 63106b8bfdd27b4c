"""Two states of one column -> the statements that turn the first into the second. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forensics.catalogs.postgresql_clauses import (
    column_clause,
    identity_clause,
    sequence_default,
    sequence_options,
    serial_sequence,
    values,
    written,
)
from forensics.catalogs.postgresql_names import address, spell
from forensics.catalogs.postgresql_normal import base_name
from forensics.model import Scalar, SchemaObject

_TEXTS = frozenset(("text", "character varying", "character"))
_FAMILIES = (
    frozenset(("smallint", "integer", "bigint", "numeric", "real", "double precision")),
    frozenset(("integer", "boolean")),
    frozenset(("timestamp without time zone", "timestamp with time zone", "date")),
    frozenset(("json", "jsonb")),
)


def alter_column(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    """Yield the statements that turn one state of a column into another; None is its absence."""
    item = now or was
    assert item is not None
    table = f"ALTER TABLE {address(str(item.table))}"
    if now is None:
        yield f"{table} DROP COLUMN {spell(item.name)}"
        return
    if was is None or values(was).get("generated") != values(now).get("generated"):
        if was is not None:
            yield f"{table} DROP COLUMN {spell(was.name)}"
        extra = serial_sequence(now)
        if extra is not None:
            yield extra[0]
        yield f"{table} ADD COLUMN {column_clause(now)}"
        if extra is not None:
            yield extra[1]
        return
    if was.name != now.name:
        yield f"{table} RENAME COLUMN {spell(was.name)} TO {spell(now.name)}"
    before, after = values(was), values(now)
    column = f"{table} ALTER COLUMN {spell(now.name)}"
    yield from _retyped(column, spell(now.name), was, now)
    yield from _identity(table, column, was, now)
    if before.get("notnull") != after.get("notnull"):
        yield f"{column} {'SET' if after.get('notnull') else 'DROP'} NOT NULL"
    elif before.get("valid") is False and after.get("notnull"):
        yield f"{column} DROP NOT NULL"
        yield f"{column} SET NOT NULL"


def _retyped(column: str, name: str, was: SchemaObject, now: SchemaObject) -> Iterator[str]:
    before, after = values(was), values(now)
    changed = before["type"] != after["type"]
    if changed or before.get("collation") != after.get("collation"):
        # A default of the old type may not fit the new one, and stands in the way of the change.
        if changed and before.get("default") is not None:
            yield f"{column} DROP DEFAULT"
        collation = f" COLLATE {after['collation']}" if after.get("collation") else ""
        using = f" USING {name}{_cast(str(before['type']), str(after['type']))}" if changed else ""
        yield f"{column} TYPE {written(now, 'type')}{collation}{using}"
    default = written(now, "default")
    plain = not (after.get("identity") or after.get("generated"))
    if plain and default is not None and (changed or before.get("default") != after.get("default")):
        if not before.get("identity"):
            yield f"{column} SET DEFAULT {default}"
    elif before.get("default") is not None and after.get("default") is None and not changed:
        yield f"{column} DROP DEFAULT"


def _cast(before: str, after: str) -> str:
    """Return the cast from one type to another, by way of text where there is no other way for sure."""
    old, new = base_name(before), base_name(after)
    same = any(old in family and new in family for family in _FAMILIES)
    direct = same or old == new or old in _TEXTS or new in _TEXTS
    return f"::{after}" if direct else f"::text::{after}"


def _identity(table: str, column: str, was: SchemaObject, now: SchemaObject) -> Iterator[str]:
    before, after = values(was), values(now)
    old, new = before.get("identity"), after.get("identity")
    if old and not new:
        if "serial" in before:
            yield f"{column} DROP DEFAULT"
            yield f"DROP SEQUENCE {address(str(before['serial']))}"
        else:
            yield f"{column} DROP IDENTITY"
        if (default := written(now, "default")) is not None:
            yield f"{column} SET DEFAULT {default}"
    elif new and not old:
        if "serial" in after:
            yield from _made_serial(table, column, now)
        else:
            if after.get("notnull") and not before.get("notnull"):
                yield f"{column} SET NOT NULL"
            yield f"{column} ADD {identity_clause(now)}"
    elif old and new and (old != new or sequence_options(before) != sequence_options(after)):
        if "serial" in before and old != new:
            yield f"{column} DROP DEFAULT"
            yield f"DROP SEQUENCE {address(str(before['serial']))}"
            yield f"{column} ADD {identity_clause(now)}"
        elif "serial" in before:
            yield f"ALTER SEQUENCE {address(str(before['serial']))} {all_options(after)}"
        elif "serial" in after and old != new:
            yield f"{column} DROP IDENTITY"
            yield from _made_serial(table, column, now)
        else:
            options = all_options(after, each=True)
            changed = f"SET GENERATED {str(new).upper()} " if old != new else ""
            yield f"{column} {changed}{options if sequence_options(before) != sequence_options(after) else ''}".rstrip()


def _made_serial(table: str, column: str, now: SchemaObject) -> Iterator[str]:
    name = str(values(now)["serial"])
    kind = values(now).get("sequence type", values(now)["type"])
    yield f"CREATE SEQUENCE {address(name)} AS {kind} {sequence_options(values(now))}".rstrip()
    yield f"{column} SET DEFAULT {sequence_default(name)}"
    yield f"ALTER SEQUENCE {address(name)} OWNED BY {address(str(now.table))}.{spell(now.name)}"


def all_options(said: Mapping[str, Scalar], *, each: bool = False) -> str:
    """Return every option of a sequence, the defaults too: what is not named stays as it was."""
    up = int(said.get("increment") or 1) > 0
    low, high = said.get("minimum"), said.get("maximum")
    found = [
        f"INCREMENT BY {said.get('increment') or 1}",
        f"MINVALUE {low}" if low is not None else "NO MINVALUE",
        f"MAXVALUE {high}" if high is not None else "NO MAXVALUE",
        f"START WITH {said.get('start') or ((low or 1) if up else (high or -1))}",
        f"CACHE {said.get('cache') or 1}",
        "CYCLE" if said.get("cycle") else "NO CYCLE",
    ]
    return " ".join(f"SET {option}" for option in found) if each else " ".join(found)
