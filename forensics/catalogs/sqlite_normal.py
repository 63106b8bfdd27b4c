"""What SQLite makes of a definition: affinities, defaults as they are stored, and the objects a table consists of.

The rules are those of https://sqlite.org/datatype3.html (affinity), https://sqlite.org/lang_createtable.html (keys,
defaults, rowid aliases) and https://sqlite.org/stricttables.html.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from forensics.catalogs.sqlite_ddl import column
from forensics.catalogs.sqlite_expressions import expression
from forensics.catalogs.sqlite_grammar import Clause, Column, Term
from forensics.model import Attrs, SchemaObject, made
from forensics.sqltext import fold, name_key, quote_string, spell, tokens, unquote, unwrapped

_AFFINITIES = (
    (("INT",), "INTEGER"), (("CHAR", "CLOB", "TEXT"), "TEXT"), (("BLOB",), "BLOB"), (("REAL", "FLOA", "DOUB"), "REAL")
)  # fmt: skip
_SYNONYMS = {
    "INT": "INTEGER", "INT2": "SMALLINT", "INT4": "INTEGER", "INT8": "BIGINT", "DEC": "NUMERIC", "DECIMAL": "NUMERIC",
    "BOOL": "BOOLEAN", "CHARACTER": "CHAR", "CHARACTER VARYING": "VARCHAR", "CHAR VARYING": "VARCHAR",
    "DOUBLE PRECISION": "DOUBLE",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z")
_CLOCKS = {
    "datetime('now')": "current_timestamp",
    "datetime()": "current_timestamp",
    "datetime(current_timestamp)": "current_timestamp",
    "strftime('%Y-%m-%d %H:%M:%S', 'now')": "current_timestamp",
    "date('now')": "current_date",
    "date()": "current_date",
    "strftime('%Y-%m-%d', 'now')": "current_date",
    "time('now')": "current_time",
    "time()": "current_time",
    "strftime('%H:%M:%S', 'now')": "current_time",
}
_NOW = re.compile(r"'now'", re.IGNORECASE)
_INT64 = 1 << 63


@lru_cache(maxsize=1 << 12)
def affinity(declared: str) -> str:
    """Return the affinity of a declared type: INTEGER, TEXT, BLOB, REAL or NUMERIC."""
    upper = declared.upper()
    if not upper:
        return "BLOB"
    return next((name for marks, name in _AFFINITIES if any(mark in upper for mark in marks)), "NUMERIC")


@lru_cache(maxsize=1 << 12)
def type_name(declared: str) -> str:
    """Return a declared type in one spelling: upper case, one space, one name of several synonyms, its arguments."""
    items = tokens(declared)
    first = next((place for place, token in enumerate(items) if token.text == "("), len(items))
    words = " ".join(unquote(token.text).upper() for token in items[:first])
    arguments = "".join(token.text for token in items[first:])
    return _SYNONYMS.get(words, words) + arguments


@lru_cache(maxsize=1 << 12)
def default_value(source: str, kind: str) -> str | None:
    """Return what a default means in a column of this affinity, as SQL text, and None where it is NULL.

    A number in a text column is stored as text and a numeric text in a numeric column as a number, so both spellings
    are one; ``datetime('now')`` is ``current_timestamp``, ``true`` is 1.
    """
    items = unwrapped(tokens(source))
    sign = ""
    if len(items) == 2 and items[0].text in ("+", "-") and items[1].kind == "number":
        sign = items[0].text.replace("+", "")
        items = items[1:]
    if len(items) != 1:
        text = _NOW.sub("'now'", expression(source))
        return _CLOCKS.get(text, text)
    token = items[0]
    if token.word == "null":
        return None
    if token.word in ("true", "false"):
        return _stored(int(token.word == "true"), kind)
    if token.word in ("current_timestamp", "current_date", "current_time"):
        return token.word
    if token.kind == "number":
        return _stored(_number(sign + token.text), kind)
    if token.kind in ("string", "quoted", "word"):
        content = unquote(token.text)
        if kind in ("INTEGER", "NUMERIC", "REAL") and _NUMBER.match(content.strip(" \t\n\f\r\v")):
            return _stored(_number(content.strip(" \t\n\f\r\v")), kind)
        return quote_string(content)
    return fold(source)


def _number(text: str) -> int | float:
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    digits = digits.replace("_", "")
    if digits[:2].lower() == "0x":
        value = int(digits, 16) & (2 * _INT64 - 1)
        return sign * (value - 2 * _INT64 if value >= _INT64 else value)
    if digits.isdecimal():
        whole = sign * int(digits)
        return whole if -_INT64 <= whole < _INT64 else float(whole)
    return sign * float(digits)


def _stored(value: int | float, kind: str) -> str:
    if kind == "TEXT":
        # SQLite turns a real into text with fifteen digits.
        return quote_string(str(value) if isinstance(value, int) else _pointed(f"{value + 0.0:.15g}"))
    if isinstance(value, float) and kind in ("INTEGER", "NUMERIC") and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return _pointed(repr(float(value) + 0.0)) if kind == "REAL" or isinstance(value, float) else str(value)


def _pointed(text: str) -> str:
    if any(mark in text for mark in ".nf"):
        return text
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}.0{mark}{exponent}"


class Form(NamedTuple):
    """What is written after a column's name, and what it means in a table of one kind."""

    column: Column
    meaning: Attrs
    notnull: Attrs
    trace: Attrs
    collation: str


@lru_cache(maxsize=1 << 13)
def form(text: str, strict: bool) -> Form:
    """Return the form of a column; ``notnull`` is its meaning where the table makes it NOT NULL."""
    said = column(text)
    kind = "ANY" if strict and said.type.upper() == "ANY" else affinity(said.type)
    head: Attrs = (("affinity", kind),)
    collation = name_key(said.collation) or "binary"
    tail: Attrs = (
        ("default", None if said.default is None else default_value(said.default, kind)),
        ("collation", collation),
    )
    if said.generated is not None:
        tail += (("generated", expression(said.generated)), ("stored", said.stored))
    if said.notnull_conflict:
        tail += (("on_conflict", said.notnull_conflict),)
    trace: Attrs = (("type", type_name(said.type)),)
    if said.default is not None:
        trace += (("default", said.default),)
    meaning = (*head, ("notnull", said.notnull), *tail)
    return Form(said, meaning, (*head, ("notnull", True), *tail), trace, collation)


def key_text(terms: Sequence[Term], collations: dict[str, str]) -> str:
    """Return the columns and expressions of a key or an index as text, with every collation that is not BINARY.

    ``collations`` has the column names of the table (folded) with their own collations.
    """
    if len(terms) == 1 and not terms[0].collation and not terms[0].descending:
        key = name_key(terms[0].column)
        if collations.get(key) == "binary":
            return spell(key)
    parts: list[str] = []
    for item in terms:
        key = name_key(item.column)
        if item.column and key in collations:
            text, collation = spell(key), item.collation or collations[key]
        else:
            text, collation = item.expression, item.collation
        if collation not in ("", "binary"):
            text += f" collate {spell(collation)}"
        parts.append(text + " desc" if item.descending else text)
    return ", ".join(parts)


def reference_ident(child: Sequence[str], parent: str, columns: Sequence[str]) -> str:
    """Return the structure of a foreign key, whatever the order in which its pairs of columns are written."""
    if len(child) == 1 == len(columns):
        return f"{spell(child[0])}->{spell(parent)}({spell(columns[0])})"
    if columns and len(columns) == len(child) > 1:
        pairs = sorted(zip(child, columns, strict=True))
        child, columns = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    target = f"({', '.join(map(spell, columns))})" if columns else ""
    return f"{', '.join(map(spell, child))}->{spell(parent)}{target}"


def constraint_object(
    table: str, clause: Clause, name: str, ident: str, meaning: Attrs, *, shown: str = ""
) -> SchemaObject:
    """Return the object of a constraint: its structure is its identity, its own name only a trace."""
    if clause.conflict:
        meaning = (*meaning, ("on_conflict", clause.conflict))
    return made(clause.kind, table, name or shown or ident, ident, meaning, (("name", name),) if name else ())
