"""Take the ``CREATE TABLE`` and ``CREATE INDEX`` texts that SQLite keeps in ``sqlite_master`` apart, piece by piece.

What follows a column's name is read once, however many columns say the same: real schemas repeat a few dozen such
texts, and replays repeat them a thousand times.
"""

from __future__ import annotations

import re
from functools import lru_cache

from forensics.catalogs.sqlite_grammar import (
    Clause,
    Column,
    Term,
    UnreadableText,
    read_column,
    read_table_clauses,
    read_term,
)
from forensics.sqltext import fold, join, tokens, unquote, unwrapped

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
# Only word characters, commas and parentheses: no quote or comment can hide what these find.
_REFERENCE = re.compile(r"([\w\s(),]*\bREFERENCES\s+)(\w+)(?![\w.])([\w\s(),]*)\Z", re.IGNORECASE | re.ASCII)
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


def parent_apart(text: str) -> tuple[str, str]:
    """Take the parent's name out of what follows a column's name, so that columns alike but for it read as one.

    The name is empty where the text is not plain enough for that; it then stays in the text.
    """
    found = _REFERENCE.match(text)
    return (f"{found[1]}_{found[3]}", found[2]) if found and found[1].upper().count("REFERENCES") == 1 else (text, "")


def name_apart(piece: str) -> tuple[str, str]:
    """Take the name of a table constraint off its piece, with the same purpose."""
    found = _CONSTRAINT.match(piece)
    return (piece[found.end() :], found[1]) if found else (piece, "")


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
    return read_term(tokens(piece))


@lru_cache(maxsize=1 << 10)
def options(tail: str) -> tuple[bool, bool]:
    """Read what follows the parentheses of a ``CREATE TABLE``: whether it is WITHOUT ROWID, and STRICT."""
    words = [token.word for token in tokens(tail)]
    return "without" in words, "strict" in words


@lru_cache(maxsize=1 << 12)
def predicate(tail: str) -> str | None:
    """Return the folded condition of a partial index."""
    items = tokens(tail)
    if items and items[-1].text == ";":
        items.pop()
    if not items:
        return None
    if items[0].word != "where" or len(items) == 1:
        raise UnreadableText(tail)
    return join(unwrapped(items[1:]))


def folded(text: str, columns: frozenset[str]) -> str:
    """Return the normal form of an expression of a table with these (folded) columns."""
    return fold(text, columns) if '"' in text else fold(text)
