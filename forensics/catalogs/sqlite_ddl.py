"""Take the ``CREATE TABLE`` and ``CREATE INDEX`` texts that SQLite keeps in ``sqlite_master`` apart, piece by piece.

What follows a column's name is read once, however many columns say the same: real schemas repeat a few dozen such
texts, and replays repeat them a thousand times.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import lru_cache

from forensics.catalogs.sqlite_expressions import expression
from forensics.catalogs.sqlite_grammar import (
    Clause,
    Column,
    Term,
    UnreadableText,
    read_column,
    read_table_clauses,
    read_term,
)
from forensics.sqltext import spell, tokens, unquote

# Every alternative begins with its own character, which lets the search skip everything else. A doubled quote needs no
# care here: it reads as two strings side by side.
_STRUCTURE = re.compile(
    r"""\(|\)|,|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)""",
    re.DOTALL,
)
_NAME = re.compile(
    r"""[ \t\n\f\r]*(?:([A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    |('[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"|`[^`]*(?:``[^`]*)*`|\[[^\]]*\]))[ \t\n\f\r]*""",
    re.VERBOSE,
)
# The same in one go, for definitions without comments and brackets, and with parentheses three deep at most.
_HEAD = re.compile(r"""\s*CREATE\s+TABLE\s+(?:\w+|"[^"]*"|`[^`]*`)\s*\(""", re.IGNORECASE | re.ASCII)
_FLAT = r"""[^()'"`\[,]++|'[^']*'|"[^"]*"|`[^`]*`"""
_INNER = rf"{_FLAT}|,"
_PIECE = re.compile(
    rf"""[ \t\n\f\r]*(?:([A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)|"([^"]+)"(?!"))[ \t\n\f\r]*
    ((?:{_FLAT}|\((?:{_INNER}|\((?:{_INNER}|\((?:{_INNER})*+\))*+\))*+\))*+)([,)])""",
    re.VERBOSE,
)
_CHECK = re.compile(
    rf"""\s*CHECK\s*\(((?:{_INNER}|\((?:{_INNER}|\((?:{_INNER})*+\))*+\))*+)\)\s*\Z""", re.IGNORECASE | re.ASCII
)
_WORDS = re.compile(r"(?<![A-Za-z0-9_$.\x80-\U0010ffff])([A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)")
STANDS_FOR = "forensics__column"
_PLAIN_TERM = re.compile(r"[ \t\n\f\r]*([A-Za-z_][A-Za-z0-9_]*)[ \t\n\f\r]*\Z")
# Only word characters, commas and parentheses: no quote or comment can hide what these find.
_REFERENCE = re.compile(
    r"([\w\s(),]*\bREFERENCES\s+)(\w+)(?![\w.])(?:\s*\(\s*(\w+)\s*\))?([\w\s(),]*)\Z",
    re.IGNORECASE | re.ASCII,
)
_CONSTRAINT = re.compile(r"\s*CONSTRAINT\s+(\w+)\s+(?=\w)", re.IGNORECASE | re.ASCII)
_TABLE_CLAUSES = frozenset(("constraint", "primary", "unique", "check", "foreign"))


def pieces(sql: str) -> tuple[str, tuple[str, ...], str]:
    """Cut a definition at its first pair of parentheses: what stands before, the pieces inside, what follows."""
    depth = start = opened = 0
    inside: list[str] = []
    for found in _STRUCTURE.finditer(sql):
        mark = found.group()
        if mark == "(":
            depth += 1
            if depth == 1:
                opened, start = found.start(), found.end()
        elif mark == ")":
            depth -= 1
            if depth == 0:
                inside.append(sql[start : found.start()])
                return sql[:opened], tuple(inside), sql[found.end() :]
        elif mark == "," and depth == 1:
            inside.append(sql[start : found.start()])
            start = found.end()
    raise UnreadableText(sql)


def parts(sql: str) -> tuple[list[tuple[str | None, str]], str]:
    """Cut a ``CREATE TABLE`` into its columns and constraints, each as `column_name` gives it, and what follows them."""
    head = _HEAD.match(sql)
    if head is not None and "--" not in sql and "/*" not in sql:
        found: list[tuple[str | None, str]] = []
        at = head.end()
        for piece in _PIECE.finditer(sql, at):
            start, end = piece.span()
            if start != at:
                break
            bare, quoted, text, mark = piece.groups()
            if bare is None:
                found.append((quoted, text))
            elif bare.lower() in _TABLE_CLAUSES:
                found.append((None, sql[start : end - 1]))
            else:
                found.append((bare, text))
            if mark == ")":
                return found, sql[end:]
            at = end
    _, inside, tail = pieces(sql)
    return [column_name(piece) for piece in inside], tail


def column_name(piece: str) -> tuple[str | None, str]:
    """Take the column's name off a piece of a ``CREATE TABLE``; it is None where the piece is a table constraint."""
    found = _NAME.match(piece)
    if found is None:
        items = tokens(piece)
        found = _NAME.match(piece, items[0].start) if items else None
        if found is None:
            raise UnreadableText(piece)
    bare = found[1]
    if bare is None:
        return unquote(found[2]), piece[found.end() :]
    if bare.lower() in _TABLE_CLAUSES:
        return None, piece
    return bare, piece[found.end() :]


def parent_apart(text: str) -> tuple[str, str, str]:
    """Take the parent's name and its only column out of a reference, so that columns alike but for them read as one.

    They are empty where there is none or where the text is not plain enough for that; they then stay in the text.
    """
    found = _REFERENCE.match(text)
    if found is None or found[1].upper().count("REFERENCES") != 1:
        return text, "", ""
    before, parent, column, after = found.groups()
    return (f"{before}_(_){after}", parent, column) if column else (f"{before}_{after}", parent, "")


def name_apart(piece: str) -> tuple[str, str]:
    """Take the name of a table constraint off its piece, with the same purpose."""
    found = _CONSTRAINT.match(piece)
    return (piece[found.end() :], found[1]) if found else (piece, "")


def check_apart(piece: str, columns: Container[str]) -> tuple[str, str]:
    """Put `STANDS_FOR` in the place of the only column of a check, so that checks alike but for it read as one.

    The name is empty where that is not safe; the text is then as it was.
    """
    found = _CHECK.match(piece)
    if found is None or any(mark in piece for mark in ('"', "--", "/*", STANDS_FOR)):
        return piece, ""
    words = _WORDS.split(found[1])
    own = {word for word in words[1::2] if word in columns}
    if len(own) != 1 or spell(name := own.pop()) != name or name == "x":
        return piece, ""
    return f"CHECK ({''.join([STANDS_FOR if word == name else word for word in words])})", name


@lru_cache(maxsize=1 << 13)
def column(text: str) -> Column:
    """Read what follows a column's name."""
    return read_column(text)


@lru_cache(maxsize=1 << 12)
def table_clauses(piece: str) -> tuple[Clause, ...]:
    """Read the table constraints that stand in one piece, usually one."""
    return read_table_clauses(piece)


@lru_cache(maxsize=1 << 14)
def term(piece: str) -> Term:
    """Read one column or expression of an index."""
    plain = _PLAIN_TERM.match(piece)
    if plain and spell(key := plain[1].lower()) == key:
        return Term(column=plain[1], expression=key)
    return read_term(tokens(piece))


@lru_cache(maxsize=1 << 10)
def options(tail: str) -> tuple[bool, bool]:
    """Read what follows the parentheses of a ``CREATE TABLE``: whether it is WITHOUT ROWID, and STRICT."""
    words = [token.word for token in tokens(tail)]
    return "without" in words, "strict" in words


@lru_cache(maxsize=1 << 12)
def predicate(tail: str, columns: frozenset[str] | None = None) -> str | None:
    """Return the condition of a partial index in its normal form; ``columns`` as in `fold`."""
    items = tokens(tail)
    if items and items[-1].text == ";":
        items.pop()
    if not items:
        return None
    if items[0].word != "where" or len(items) == 1:
        raise UnreadableText(tail)
    text = tail[items[1].start : items[-1].end]
    return expression(text, columns)


def folded(text: str, columns: frozenset[str]) -> str:
    """Return the normal form of an expression of a table with these (folded) columns."""
    return expression(text, columns) if '"' in text else expression(text)
