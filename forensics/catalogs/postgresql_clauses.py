"""Objects -> the pieces of DDL that make them: column definitions, constraints, indexes, sequences. Pure text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from forensics.catalogs.postgresql_names import address, literal, parts, spell
from forensics.model import Scalar, SchemaObject

Values = Mapping[str, Scalar]

# What tells repetitions of one constraint apart.
NUMBERED = re.compile(r" #\d+\Z")
_OPTIONS = (
    ("increment", "INCREMENT BY"), ("minimum", "MINVALUE"), ("maximum", "MAXVALUE"), ("start", "START WITH"),
    ("cache", "CACHE"),
)  # fmt: skip
_SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_LONGEST = 63


def values(item: SchemaObject) -> dict[str, Scalar]:
    """Return the attributes of an object by name: what it means, and how it was written where that is not said."""
    return dict(item.trace + item.meaning)


def as_written(item: SchemaObject) -> dict[str, Scalar]:
    """Return the attributes of an object by name, as they were written where that is said."""
    return dict(item.meaning + item.trace)


def written(item: SchemaObject, name: str) -> Scalar:
    """Return an attribute as it was written, or else what it means."""
    for key, value in item.trace + item.meaning:
        if key == name:
            return value
    return None


def column_clause(item: SchemaObject) -> str:
    """Return the definition of a column without the sequence that a ``serial`` needs under a name of its own."""
    said = values(item)
    if serial := short_serial(item):
        return f"{spell(item.name)} {serial}" + ("" if said.get("notnull") else " NULL")
    text = f"{spell(item.name)} {written(item, 'type')}"
    if said.get("collation"):
        text += f" COLLATE {said['collation']}"
    if said.get("generated"):
        text += f" GENERATED ALWAYS AS ({written(item, 'generated')}) {'STORED' if said.get('stored') else 'VIRTUAL'}"
    elif said.get("serial"):
        text += f" DEFAULT {sequence_default(str(said['serial']))}"
    elif said.get("identity"):
        text += f" {identity_clause(item)}"
    elif (default := written(item, "default")) is not None:
        text += f" DEFAULT {default}"
    if said.get("notnull") and said.get("valid") is not False:
        text += " NOT NULL"
    return text


def identity_clause(item: SchemaObject) -> str:
    """Return ``GENERATED ... AS IDENTITY`` with the options of its sequence."""
    said = values(item)
    options = sequence_options(said)
    name = str(said.get("sequence", ""))
    if name and parts(name) != (parts(str(item.table))[0], usual_sequence(item)):
        schema, own = parts(name)
        options = f"SEQUENCE NAME {spell(schema)}.{spell(own)} {options}".rstrip()
    return f"GENERATED {str(said['identity']).upper()} AS IDENTITY" + (f" ({options})" if options else "")


def short_serial(item: SchemaObject) -> str:
    """Return the pseudo-type that makes a column with its sequence, or nothing where that would make another one."""
    said = values(item)
    kind = _SERIAL.get(str(said.get("type")), "")
    usual = parts(str(said.get("serial", ""))) == (parts(str(item.table))[0], usual_sequence(item))
    plain = not sequence_options(said) and "sequence type" not in said
    return kind if kind and "serial" in said and usual and plain else ""


def usual_sequence(item: SchemaObject) -> str:
    """Return the name that PostgreSQL gives to the sequence of a column: cut so that it fits into 63 bytes."""
    table, column = (text.encode() for text in (parts(str(item.table))[1], item.name))
    room = _LONGEST - len("_seq") - 1
    ends = [len(table), len(column)]
    while sum(ends) > room:
        ends[0 if ends[0] > ends[1] else 1] -= 1
    return "_".join(text[:end].decode(errors="ignore") for text, end in zip((table, column), ends, strict=True)) + "_seq"


def sequence_options(said: Values) -> str:
    """Return the options of a sequence that are not the default."""
    found = [f"{word} {said[name]}" for name, word in _OPTIONS if name in said]
    return " ".join([*found, "CYCLE"] if said.get("cycle") else found)


def sequence_default(name: str) -> str:
    """Return the default that draws from a sequence."""
    return f"nextval({literal(address(name))}::regclass)"


def serial_sequence(item: SchemaObject) -> tuple[str, str] | None:
    """Return the statements before and after the table that a ``serial`` column needs where no pseudo-type does."""
    said = values(item)
    if "serial" not in said or short_serial(item):
        return None
    name = address(str(said["serial"]))
    kind = said.get("sequence type", said.get("type"))
    make = f"CREATE SEQUENCE {name} AS {kind} {sequence_options(said)}".rstrip()
    return make, f"ALTER SEQUENCE {name} OWNED BY {address(str(item.table))}.{spell(item.name)}"


def constraint_clause(item: SchemaObject) -> str:
    """Return ``CONSTRAINT name ...`` as it stands in a table's definition; ``NOT VALID`` comes at its end."""
    said = as_written(item)
    ident = NUMBERED.sub("", item.ident)
    if item.kind == "primary_key":
        text = f"PRIMARY KEY ({_period(str(said['columns']), said, ' WITHOUT OVERLAPS')})"
    elif item.kind == "unique":
        nulls = " NULLS NOT DISTINCT" if said.get("nulls_not_distinct") else ""
        text = f"UNIQUE{nulls} ({_period(ident, said, ' WITHOUT OVERLAPS')})"
    elif item.kind == "foreign_key":
        text = _foreign_key(str(said.get("reference", ident)), said)
    elif said.get("exclusion"):
        text = str(said.get("text", ident))
    else:
        text = f"CHECK ({said.get('text', ident)})"
        if said.get("no_inherit"):
            text += " NO INHERIT"
    if said.get("include"):
        text += f" INCLUDE ({said['include']})"
    if said.get("deferrable"):
        text += " DEFERRABLE"
    if said.get("deferred"):
        text += " INITIALLY DEFERRED"
    if said.get("enforced") is False:
        text += " NOT ENFORCED"
    if said.get("valid") is False:
        text += " NOT VALID"
    name = said.get("name")
    return f"CONSTRAINT {spell(str(name))} {text}" if name else text


def _period(columns: str, said: Values, suffix: str) -> str:
    return columns + suffix if said.get("period") else columns


def ends(ident: str) -> tuple[str, str, str]:
    """Return the columns, the table and its columns of a foreign key's identity, all as SQL."""
    quoted = False
    for place, mark in enumerate(ident):
        quoted ^= mark == '"'
        if not quoted and ident.startswith("->", place):
            target = ident[place + 2 :]
            opening = _opening(target)
            return ident[:place], target[:opening], target[opening + 1 : -1]
    return ident, "", ""


def _opening(text: str) -> int:
    quoted = False
    for place, mark in enumerate(text):
        quoted ^= mark == '"'
        if mark == "(" and not quoted:
            return place
    return len(text)


def _foreign_key(ident: str, said: Values) -> str:
    columns, table, theirs = ends(ident)
    if said.get("period"):
        columns, theirs = (_last_as_period(text) for text in (columns, theirs))
    text = f"FOREIGN KEY ({columns}) REFERENCES {table}" + (f"({theirs})" if theirs else "")
    if said.get("match"):
        text += f" MATCH {str(said['match']).upper()}"
    for word in ("update", "delete"):
        action = str(said.get(f"on_{word}") or "no action")
        if action != "no action":
            text += f" ON {word.upper()} {action.upper()}"
            if word == "delete" and said.get("set_columns"):
                text += f" ({said['set_columns']})"
    return text


def _last_as_period(columns: str) -> str:
    first, mark, last = columns.rpartition(", ")
    return f"{first}{mark}PERIOD {last}"


def index_statement(item: SchemaObject) -> str:
    """Return the statement that makes an index.

    Of a partitioned table it comes out invalid where it is; on any other nothing in SQL makes it so.
    """
    said = as_written(item)
    only = "ONLY " if said.get("valid") is False else ""
    unique = "UNIQUE " if said.get("unique") else ""
    text = f"CREATE {unique}INDEX {spell(item.name)} ON {only}{address(str(item.table))}"
    if said.get("method", "btree") != "btree":
        text += f" USING {spell(str(said['method']))}"
    text += f" ({said['columns']})"
    if said.get("include"):
        text += f" INCLUDE ({said['include']})"
    if said.get("nulls_not_distinct"):
        text += " NULLS NOT DISTINCT"
    if said.get("storage"):
        text += f" WITH ({str(said['storage']).strip('{}')})"
    if said.get("predicate"):
        text += f" WHERE {said['predicate']}"
    return text


def trigger_statements(item: SchemaObject) -> list[str]:
    """Return the statements that make a trigger, and that disable it where it is."""
    said = as_written(item)
    kind = "CONSTRAINT TRIGGER" if said.get("constraint") else "TRIGGER"
    found = [f"CREATE {kind} {spell(item.name)} {said['sql']}"]
    if said.get("enabled"):
        word = {"disabled": "DISABLE"}.get(str(said["enabled"]), f"ENABLE {str(said['enabled']).upper()}")
        found.append(f"ALTER TABLE {address(str(item.table))} {word} TRIGGER {spell(item.name)}")
    return found
