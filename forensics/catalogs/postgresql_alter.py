"""Two states of one object -> the statements that turn the first into the second. Pure text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from forensics.catalogs.postgresql_build import CONSTRAINTS, group_parts, single
from forensics.catalogs.postgresql_clauses import (
    column_clause,
    constraint_clause,
    identity_clause,
    index_statement,
    sequence_default,
    sequence_options,
    serial_sequence,
    trigger_statements,
    values,
    written,
)
from forensics.catalogs.postgresql_names import address, parts, spell
from forensics.catalogs.postgresql_normal import base_name
from forensics.model import Group, Key, Scalar, SchemaObject

_TEXTS = frozenset(("text", "character varying", "character"))
# What stands on what: a foreign key on a key, a trigger on anything.
_RANKS = {"primary_key": 1, "unique": 2, "check": 3, "index": 4, "foreign_key": 5, "trigger": 6}
_FAMILIES = (
    frozenset(("smallint", "integer", "bigint", "numeric", "real", "double precision")),
    frozenset(("integer", "boolean")),
    frozenset(("timestamp without time zone", "timestamp with time zone", "date")),
    frozenset(("json", "jsonb")),
)
_LITERAL = re.compile(r"E?'(?:[^']|'')*'")

Maker = Callable[[SchemaObject | None, SchemaObject | None], Iterator[str]]


def alter(was: SchemaObject | None, now: SchemaObject | None) -> tuple[str, ...]:
    """Return the statements that turn one state of an object into another; None is its absence.

    Both states are of one identity. A table comes without its columns, which are objects of their own (`statements`
    makes whole groups). What PostgreSQL cannot alter is dropped and made again. Nothing is dropped with ``CASCADE``:
    where something depends on it, the statement fails and names it.
    """
    item = now or was
    if item is None or (was is not None and now is not None and was.meaning == now.meaning):
        return ()
    return tuple(_MAKERS[item.kind](was, now))


def turn(was: Group, now: Group) -> Iterator[tuple[str, ...]]:
    """Yield the statements of each change that turns one state of a group into another, in an order that works.

    Indexes and constraints are altered between new columns and the end of old ones, as they may need both.
    """
    steps: list[tuple[int, int, Key, SchemaObject | None, SchemaObject | None]] = []
    # A partition that is taken out or put in keeps its columns and keys, which only a table of its own has as objects.
    moved = len({"partition_of" in dict(side.objects[0].meaning) for side in (was, now) if side.objects}) > 1
    for key in was.by_key.keys() | now.by_key.keys():
        before, after = was.by_key.get(key), now.by_key.get(key)
        if before is not None and after is not None and before.meaning == after.meaning:
            continue
        item = after or before
        assert item is not None
        if moved and (before is None or after is None):
            continue
        rank = _RANKS.get(key[0], 0)
        generated = "generated" in dict(item.meaning)
        if after is None:
            phase, place = (5, -int(generated)) if key[0] == "column" else (1, -rank)
        elif before is None:
            phase, place = (2, 1000 * generated + (item.position or 0)) if key[0] == "column" else (6, rank)
        else:
            phase, place = (3, item.position or 0) if key[0] == "column" else (4, rank)
        steps.append((0 if key[0] == "table" else phase, place, key, before, after))
    for _, _, _, before, after in sorted(steps, key=lambda step: step[:3]):
        if statements := alter(before, after):
            yield statements


def _column(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
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
            yield f"ALTER SEQUENCE {address(str(before['serial']))} {_all_options(after)}"
        elif "serial" in after and old != new:
            yield f"{column} DROP IDENTITY"
            yield from _made_serial(table, column, now)
        else:
            options = _all_options(after, each=True)
            changed = f"SET GENERATED {str(new).upper()} " if old != new else ""
            yield f"{column} {changed}{options if sequence_options(before) != sequence_options(after) else ''}".rstrip()


def _made_serial(table: str, column: str, now: SchemaObject) -> Iterator[str]:
    name = str(values(now)["serial"])
    kind = values(now).get("sequence type", values(now)["type"])
    yield f"CREATE SEQUENCE {address(name)} AS {kind} {sequence_options(values(now))}".rstrip()
    yield f"{column} SET DEFAULT {sequence_default(name)}"
    yield f"ALTER SEQUENCE {address(name)} OWNED BY {address(str(now.table))}.{spell(now.name)}"


def _all_options(said: Mapping[str, Scalar], *, each: bool = False) -> str:
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


def _constraint(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    item = now or was
    assert item is not None
    table = f"ALTER TABLE {address(str(item.table))}"
    same = was is not None and now is not None and _without(was, "valid") == _without(now, "valid")
    if was is not None and same and dict(was.meaning).get("valid") is False:
        yield f"{table} VALIDATE CONSTRAINT {spell(was.name)}"
        return
    if was is not None:
        yield f"{table} DROP CONSTRAINT {spell(was.name)}"
    if now is not None:
        yield f"{table} ADD {constraint_clause(now)}"


def _without(item: SchemaObject, name: str) -> list[tuple[str, Scalar]]:
    return [pair for pair in item.meaning if pair[0] != name]


def _index(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is not None:
        schema, _ = parts(str(was.table))
        yield f"DROP INDEX {'' if schema == 'public' else spell(schema) + '.'}{spell(was.name)}"
    if now is not None:
        yield index_statement(now)


def _trigger(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is not None:
        yield f"DROP TRIGGER {spell(was.name)} ON {address(str(was.table))}"
    if now is not None:
        yield from trigger_statements(now)


def _table(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if now is None:
        assert was is not None
        yield f"DROP {'FOREIGN ' if values(was).get('foreign') else ''}TABLE {address(was.name)}"
        return
    if was is None:
        yield from (text for _, text in group_parts((now,)))
        return
    before, after = values(was), values(now)
    table = f"ALTER TABLE {address(now.name)}"
    if was.name != now.name:
        yield f"ALTER TABLE {address(was.name)} RENAME TO {spell(parts(now.name)[1])}"
    if before.get("persistence") != after.get("persistence"):
        yield f"{table} SET {'UNLOGGED' if after.get('persistence') else 'LOGGED'}"
    if (before.get("partition_of"), before.get("bound")) != (after.get("partition_of"), after.get("bound")):
        if before.get("partition_of"):
            yield f"ALTER TABLE {address(str(before['partition_of']))} DETACH PARTITION {address(now.name)}"
        if after.get("partition_of"):
            parent = address(str(after["partition_of"]))
            yield f"ALTER TABLE {parent} ATTACH PARTITION {address(now.name)} {after['bound']}"
    old, new = (str(side.get("inherits") or "").split(", ") for side in (before, after))
    yield from (f"{table} NO INHERIT {address(name)}" for name in old if name and name not in new)
    yield from (f"{table} INHERIT {address(name)}" for name in new if name and name not in old)
    if before.get("row_security") != after.get("row_security"):
        secured = after.get("row_security")
        yield f"{table} {'ENABLE' if secured else 'DISABLE'} ROW LEVEL SECURITY"
        yield f"{table} {'FORCE' if secured == 'forced' else 'NO FORCE'} ROW LEVEL SECURITY"


def _remade(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is not None:
        made_of = dict(was.meaning).keys() & {"composite", "range"}
        yield f"DROP {'TYPE' if made_of else _WORDS[was.kind]} {address(was.name)}"
    if now is not None:
        yield from (text for _, text in single(now))


def _sequence(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is None or now is None or was.name != now.name:
        yield from _remade(was, now)
        return
    before, after = values(was), values(now)
    kind = f"AS {after['type']} " if before["type"] != after["type"] else ""
    if kind or sequence_options(before) != sequence_options(after):
        yield f"ALTER SEQUENCE {address(now.name)} {kind}{_all_options(after)}"
    if before.get("owned_by") != after.get("owned_by"):
        table, _, column = str(after.get("owned_by") or "").rpartition(".")
        owner = f"{address(table)}.{spell(column)}" if table else "NONE"
        yield f"ALTER SEQUENCE {address(now.name)} OWNED BY {owner}"


def _enum(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is None or now is None or was.name != now.name:
        yield from _remade(was, now)
        return
    old, new = (split_literals(str(values(side)["values"])) for side in (was, now))
    if [value for value in new if value in old] != old:
        # No value can be taken away or moved.
        yield from _remade(was, now)
        return
    for place, value in enumerate(new):
        if value not in old:
            after = f" AFTER {new[place - 1]}" if place else f" BEFORE {old[0]}" if old else ""
            yield f"ALTER TYPE {address(now.name)} ADD VALUE {value}{after}"


def split_literals(text: str) -> list[str]:
    """Take a list of string literals apart; they stay in their quotes."""
    return [match[0] for match in _LITERAL.finditer(text)]


def _domain(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is None or now is None or was.name != now.name:
        yield from _remade(was, now)
        return
    before, after = values(was), values(now)
    fixed = ("type", "collation", "composite", "range")
    if any(before.get(name) != after.get(name) for name in fixed):
        yield from _remade(was, now)
        return
    domain = f"ALTER DOMAIN {address(now.name)}"
    if before.get("default") != after.get("default"):
        default = written(now, "default")
        yield f"{domain} DROP DEFAULT" if default is None else f"{domain} SET DEFAULT {default}"
    if before.get("notnull") != after.get("notnull"):
        yield f"{domain} {'SET' if after.get('notnull') else 'DROP'} NOT NULL"
    if before.get("checks") != after.get("checks"):
        old, new = ({key: text for key, text in side.trace if key.startswith("check ")} for side in (was, now))
        for key, text in old.items():
            if new.get(key) != text:
                yield f"{domain} DROP CONSTRAINT {spell(key.removeprefix('check '))}"
        for key, text in new.items():
            if old.get(key) != text:
                yield f"{domain} ADD CONSTRAINT {spell(key.removeprefix('check '))} {text}"


def _function(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    same = was is not None and now is not None and was.name == now.name
    if was is not None and (now is None or not same or _signature(was) != _signature(now)):
        kind = "PROCEDURE" if values(was).get("procedure") else "FUNCTION"
        short, bracket, arguments = was.name.partition("(")
        yield f"DROP {kind} {address(short)}{bracket}{arguments}"
    if now is not None:
        yield from (text for _, text in single(now))


def _signature(item: SchemaObject) -> tuple[Scalar, ...]:
    said = values(item)
    return tuple(said.get(name) for name in ("returns", "procedure", "window", "arguments"))


_WORDS = {"view": "VIEW", "materialized_view": "MATERIALIZED VIEW", "sequence": "SEQUENCE", "enum": "TYPE",
          "domain": "DOMAIN"}  # fmt: skip
_MAKERS: Mapping[str, Maker] = {
    "table": _table, "column": _column, "index": _index, "trigger": _trigger, "view": _remade,
    "materialized_view": _remade, "sequence": _sequence, "enum": _enum, "domain": _domain, "function": _function,
    **dict.fromkeys(CONSTRAINTS, _constraint),
}  # fmt: skip
