"""Objects -> the statements that make their group, each with its place in the making of a whole database. Pure text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forensics.catalogs.postgresql_clauses import (
    NUMBERED,
    column_clause,
    constraint_clause,
    index_statement,
    sequence_options,
    serial_sequence,
    trigger_statements,
    values,
    written,
)
from forensics.catalogs.postgresql_names import address, literal, parts, spell
from forensics.model import SchemaObject

CONSTRAINTS = frozenset(("primary_key", "unique", "check", "foreign_key"))
VIEW_OPTIONS = ("check_option", "security_barrier", "security_invoker")
# The order in which a whole database is made; within one number the order of creation counts.
SCHEMA, TYPE, SEQUENCE, FUNCTION, TABLE, LATE_FUNCTION, VIEW, REFERENCE, TRIGGER, COMMENT = range(10)

Part = tuple[int, str]


def group_parts(objects: Sequence[SchemaObject]) -> Iterator[Part]:
    """Yield the statements of one group, each with its place in the order."""
    if not objects:
        return
    head = objects[0]
    schema, _ = parts(head.name if head.kind != "function" else head.name.partition("(")[0])
    if schema != "public":
        yield SCHEMA, f"CREATE SCHEMA IF NOT EXISTS {spell(schema)}"
    if head.kind == "table":
        yield from _table(head, objects[1:])
    else:
        yield from single(head)
    for item in objects[1:]:
        if item.kind == "index":
            yield (TABLE if head.kind == "table" else VIEW), index_statement(item)
        elif item.kind == "trigger":
            for text in trigger_statements(item):
                yield TRIGGER, text
    for item in objects:
        if ("comment" in dict(item.trace)) and (text := comment_statement(item)):
            yield COMMENT, text


def _table(head: SchemaObject, rest: Sequence[SchemaObject]) -> Iterator[Part]:
    said = values(head)
    name = address(head.name)
    lines: list[str] = []
    later: list[Part] = []
    partition = said.get("partition_of")
    for item in rest:
        if item.kind == "column":
            lines.append(_partition_column(item) if partition else column_clause(item))
            if extra := serial_sequence(item):
                yield SEQUENCE, extra[0]
                later.append((TABLE, extra[1]))
            if values(item).get("valid") is False:
                later.append((TABLE, f"ALTER TABLE {name} ADD NOT NULL {spell(item.name)} NOT VALID"))
        elif item.kind in CONSTRAINTS:
            clause = constraint_clause(item)
            if item.kind == "foreign_key":
                later.append((REFERENCE, f"ALTER TABLE {name} ADD {clause}"))
            elif dict(item.meaning).get("valid") is False or _merged(item, rest):
                later.append((TABLE, f"ALTER TABLE {name} ADD {clause}"))
            else:
                lines.append(clause)
    body = "(\n    " + ",\n    ".join(lines) + "\n)" if lines else "()"
    text = f"CREATE {'UNLOGGED ' if said.get('persistence') == 'unlogged' else ''}TABLE {name}"
    if partition:
        text += f" PARTITION OF {address(str(partition))}{' ' + body if lines else ''} {written(head, 'bound')}"
    else:
        text += f" {body}"
    if said.get("inherits"):
        text += f" INHERITS ({', '.join(map(address, str(said['inherits']).split(', ')))})"
    if said.get("partition_by"):
        text += f" PARTITION BY {said['partition_by']}"
    if said.get("storage"):
        text += f" WITH ({str(said['storage']).strip('{}')})"
    yield TABLE, text
    yield from later
    if said.get("row_security"):
        yield TABLE, f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        if said["row_security"] == "forced":
            yield TABLE, f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"


def _merged(item: SchemaObject, rest: Sequence[SchemaObject]) -> bool:
    """Tell whether CREATE TABLE would take a constraint for a repetition of another one and leave it out."""
    if item.kind != "unique":
        return False
    keys = [dict(each.meaning).get("columns") for each in rest if each.kind == "primary_key"]
    return NUMBERED.search(item.ident) is not None or item.ident in keys


def _partition_column(item: SchemaObject) -> str:
    said = values(item)
    text = spell(item.name)
    default = dict(item.trace).get("default", said.get("default"))
    if default is not None:
        text += f" DEFAULT {default}"
    return text + (" NOT NULL" if said.get("notnull") else "")


def single(head: SchemaObject) -> Iterator[Part]:
    """Yield the statements of a view, a sequence, a type or a function."""
    said = values(head)
    name = address(head.name)
    if head.kind in ("view", "materialized_view"):
        options = ", ".join(f"{key}={said[key]}" for key in VIEW_OPTIONS if key in said)
        kind = "VIEW" if head.kind == "view" else "MATERIALIZED VIEW"
        yield VIEW, f"CREATE {kind} {name}{f' WITH ({options})' if options else ''} AS\n{written(head, 'sql')}"
    elif head.kind == "sequence":
        yield SEQUENCE, f"CREATE SEQUENCE {name} AS {said['type']} {sequence_options(said)}".rstrip()
        if said.get("owned_by"):
            table, _, column = str(said["owned_by"]).rpartition(".")
            yield REFERENCE, f"ALTER SEQUENCE {name} OWNED BY {address(table)}.{spell(column)}"
    elif head.kind == "enum":
        yield TYPE, f"CREATE TYPE {name} AS ENUM ({said['values']})"
    elif head.kind == "domain" and "composite" in said:
        yield TYPE, f"CREATE TYPE {name} AS ({said['composite']})"
    elif head.kind == "domain" and "range" in said:
        yield TYPE, f"CREATE TYPE {name} AS RANGE (subtype = {said['range']})"
    elif head.kind == "domain":
        yield TYPE, _domain(head)
    elif head.kind == "function":
        yield FUNCTION, str(said["definition"])


def _domain(head: SchemaObject) -> str:
    said = values(head)
    text = f"CREATE DOMAIN {address(head.name)} AS {said['type']}"
    if said.get("collation"):
        text += f" COLLATE {said['collation']}"
    default = dict(head.trace).get("default", said.get("default"))
    if default is not None:
        text += f" DEFAULT {default}"
    if said.get("notnull"):
        text += " NOT NULL"
    for key, value in head.trace:
        if key.startswith("check "):
            text += f" CONSTRAINT {spell(key.removeprefix('check '))} {value}"
    return text


def comment_statement(item: SchemaObject) -> str:
    """Return the statement that sets an object's comment, or nothing where its kind has none here."""
    name, said = address(item.name), str(dict(item.trace).get("comment", ""))
    text = literal(said) if said else "NULL"
    if item.kind == "column":
        return f"COMMENT ON COLUMN {address(str(item.table))}.{spell(item.name)} IS {text}"
    if item.kind in CONSTRAINTS:
        return f"COMMENT ON CONSTRAINT {spell(item.name)} ON {address(str(item.table))} IS {text}"
    if item.kind == "index":
        schema, _ = parts(str(item.table))
        own = spell(item.name) if schema == "public" else f"{spell(schema)}.{spell(item.name)}"
        return f"COMMENT ON INDEX {own} IS {text}"
    if item.kind == "function":
        short, bracket, arguments = item.name.partition("(")
        return f"COMMENT ON ROUTINE {address(short)}{bracket}{arguments} IS {text}"
    words = {"table": "TABLE", "view": "VIEW", "materialized_view": "MATERIALIZED VIEW", "sequence": "SEQUENCE",
             "enum": "TYPE"}  # fmt: skip
    word = words.get(item.kind, "")
    if item.kind == "domain":
        word = "TYPE" if dict(item.meaning).keys() & {"composite", "range"} else "DOMAIN"
    return f"COMMENT ON {word} {name} IS {text}" if word else ""
