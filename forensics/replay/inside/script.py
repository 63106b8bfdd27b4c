"""SQL scripts as single statements, by SQLite's own rule for where one ends."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

_BLANK = re.compile(r"(?:[ \t\n\f\r\ufeff]+|--[^\n]*|/\*.*?(?:\*/|\Z)|;)*", re.DOTALL)
_MOVES = re.compile(r"drop\s+table|create\s.*\bas\b|alter\s+table\s.*\bdrop\b", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
_READS = frozenset({"SELECT", "EXPLAIN", "VALUES"})
_LASTING = frozenset({"PRAGMA", "ATTACH", "DETACH", "VACUUM"})
_ADDING = frozenset({"CREATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "BEGIN", "COMMIT", "END"})
_TEMPORARY = re.compile(r"\btemp(?:orary)?\b", re.IGNORECASE)
_VIRTUAL = re.compile(r"\bvirtual\b|\bsqlite_", re.IGNORECASE)
_COLUMN = re.compile(r'alter\s+table\s+(?:(\w+)|"(\w+)")\s+add\s+column\s', re.IGNORECASE | re.ASCII)
_CONTROL = frozenset({"COMMIT", "END", "ROLLBACK", "RELEASE"})


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements of a script, each with the offset of its first token.

    What consists of blanks and comments only is left out. The last statement may lack its semicolon.
    """
    first = _blank_end(text, 0)
    at = text.find(";", first) + 1
    while at:
        if _complete(text[first:at]):
            yield first, text[first:at]
            first = at = _blank_end(text, at)
        at = text.find(";", at) + 1
    if first < len(text):
        yield first, text[first:]


def _complete(piece: str) -> bool:
    # Neither NUL nor a lone surrogate can be handed to SQLite, and neither changes where a statement ends.
    return sqlite3.complete_statement(piece.replace("\0", " ").encode("utf-8", "replace").decode())


def _blank_end(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


def split_script(text: str) -> tuple[str, ...]:
    """Return the statements of a script in their order."""
    return tuple(piece for _, piece in pieces(text))


def first_word(sql: str) -> str:
    """Return the first keyword of a statement in upper case."""
    found = _WORD.match(sql, _blank_end(sql, 0))
    return found.group().upper() if found else ""


def is_read(sql: str) -> bool:
    """Whether a statement only reads: SELECT, VALUES, EXPLAIN, and PRAGMA without an equals sign.

    ``PRAGMA read_uncommitted = 0`` counts as one: SQLAlchemy sends it whenever it resets a connection.
    """
    word = first_word(sql)
    return word in _READS or (word == "PRAGMA" and ("=" not in sql or "read_uncommitted" in sql))


def is_control(sql: str) -> bool:
    """Whether a statement ends a transaction, which stays allowed after a deliberate stop."""
    return first_word(sql) in _CONTROL


def moves_rows(sql: str) -> bool:
    """Whether a statement may remove or copy rows without SQLite counting them as changed."""
    return _MOVES.match(sql, _blank_end(sql, 0)) is not None


def lasts(sql: str) -> bool:
    """Whether a statement changes something of the connection that the next step would see."""
    return first_word(sql) in _LASTING or _TEMPORARY.search(sql) is not None


def widened(sql: str) -> str:
    """Return the table to which a statement adds a column: just its row of ``sqlite_master`` is another then."""
    found = _COLUMN.match(sql, _blank_end(sql, 0))
    return (found[1] or found[2]) if found else ""


def only_adds(sql: str) -> bool:
    """Whether a statement changes no row of ``sqlite_master`` that is there."""
    return first_word(sql) in _ADDING and not _VIRTUAL.search(sql)
