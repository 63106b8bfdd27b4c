"""Names as PostgreSQL spells them, and the label of a table: ``t`` in the schema ``public``, ``schema.t`` elsewhere."""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
# Every word of pg_get_keywords() that is not "unreserved", of all versions up to 18: quote_ident() quotes these.
_KEYWORDS = frozenset("""
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
    case cast char character check coalesce collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg
    json_query json_scalar json_serialize json_table json_value lateral leading least left like limit
    localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif
    numeric offset on only or order out outer overlaps overlay placing position precision primary real
    references returning right row select session_user setof similar smallint some substring symmetric
    system_user table tablesample then time timestamp to trailing treat trim true union unique user using
    values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists
    xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
""".split())


@lru_cache(maxsize=1 << 16)
def spell(name: str) -> str:
    """Return a name as ``quote_ident`` does: in double quotes only where it must be."""
    if _PLAIN.match(name) and name not in _KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def spell_all(names: list[str] | tuple[str, ...]) -> str:
    """Return names as a list in SQL."""
    return ", ".join([spell(name) for name in names])


def literal(text: str) -> str:
    """Return a string literal that means the same whatever ``standard_conforming_strings`` says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


@lru_cache(maxsize=1 << 15)
def label(schema: str, name: str, *, quoted: bool = False) -> str:
    """Return what a table (view, sequence, type) of a schema is called here; see `parts`.

    ``quoted`` tells a name apart from another that differs only in case.

    >>> label("public", "users"), label("app", "users"), label("public", "a.b")
    ('users', 'app.users', '"a.b"')
    """
    own = '"' + name.replace('"', '""') + '"' if quoted else _part(name)
    return own if schema == "public" else f"{_part(schema)}.{own}"


def _part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "." in name or '"' in name or not name else name


@lru_cache(maxsize=1 << 15)
def parts(text: str) -> tuple[str, str]:
    """Return the schema and the name that a label stands for.

    >>> parts("users"), parts("app.users"), parts('"a.b"')
    (('public', 'users'), ('app', 'users'), ('public', 'a.b'))
    """
    found: list[str] = []
    place = 0
    while match := _PART.match(text, place):
        found.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        place = match.end()
        if text[place : place + 1] != ".":
            break
        place += 1
    if place != len(text) or len(found) not in (1, 2):
        return "public", text
    return ("public", found[0]) if len(found) == 1 else (found[0], found[1])


@lru_cache(maxsize=1 << 15)
def address(text: str) -> str:
    """Return a label as SQL: qualified by its schema unless that is ``public``.

    >>> address("users"), address("app.Users")
    ('users', 'app."Users"')
    """
    schema, name = parts(text)
    return spell(name) if schema == "public" else f"{spell(schema)}.{spell(name)}"
