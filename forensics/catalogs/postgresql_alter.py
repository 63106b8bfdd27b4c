"""Two states of one object -> the statements that turn the first into the second. Pure text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from forensics.catalogs.postgresql_alter_column import all_options, alter_column
from forensics.catalogs.postgresql_build import CONSTRAINTS, group_parts, single
from forensics.catalogs.postgresql_clauses import (
    constraint_clause,
    index_statement,
    sequence_options,
    trigger_statements,
    values,
    written,
)
from forensics.catalogs.postgresql_names import address, parts, spell
from forensics.model import Group, Key, Scalar, SchemaObject

# What stands on what: a foreign key on a key, a trigger on anything.
_RANKS = {"primary_key": 1, "unique": 2, "check": 3, "index": 4, "foreign_key": 5, "trigger": 6}
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
    whole = not any("partition_by" in dict(side.objects[0].meaning) for side in (was, now) if side.objects)
    moved = len({"partition_of" in dict(side.objects[0].meaning) for side in (was, now) if side.objects}) > 1
    for key in was.by_key.keys() | now.by_key.keys():
        before, after = was.by_key.get(key), now.by_key.get(key)
        if before is not None and after is not None and before.meaning == after.meaning:
            continue
        item = after or before
        assert item is not None
        if moved and (before is None or after is None):
            continue
        if whole and after is not None and key[0] == "index" and dict(after.meaning).get("valid") is False:
            continue  # no statement that succeeds leaves it behind
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
        yield f"ALTER SEQUENCE {address(now.name)} {kind}{all_options(after)}"
    if before.get("owned_by") != after.get("owned_by"):
        table, _, column = str(after.get("owned_by") or "").rpartition(".")
        owner = f"{address(table)}.{spell(column)}" if table else "NONE"
        yield f"ALTER SEQUENCE {address(now.name)} OWNED BY {owner}"


def _enum(was: SchemaObject | None, now: SchemaObject | None) -> Iterator[str]:
    if was is None or now is None or was.name != now.name:
        yield from _remade(was, now)
        return
    old, new = (split_literals(str(values(side)["values"])) for side in (was, now))
    renamed = [(one, other) for one, other in zip(old, new, strict=False) if one != other]
    if len(old) == len(new) and not any(other in old or one in new for one, other in renamed):
        for one, other in renamed:
            yield f"ALTER TYPE {address(now.name)} RENAME VALUE {one} TO {other}"
        return
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
    "table": _table, "column": alter_column, "index": _index, "trigger": _trigger, "view": _remade,
    "materialized_view": _remade, "sequence": _sequence, "enum": _enum, "domain": _domain, "function": _function,
    **dict.fromkeys(CONSTRAINTS, _constraint),
}  # fmt: skip
