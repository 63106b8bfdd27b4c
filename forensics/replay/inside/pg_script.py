"""SQL scripts for PostgreSQL as single statements, and what sort of statement each is."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<blank>\s+|--[^\n]*)
      | (?P<comment>/\*)
      | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z))
      | (?P<string>'(?:[^']|'')*(?:'|\Z))
      | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
      | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>\d[\w.]*|\$\d+)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_EDGE = re.compile(r"/\*|\*/")
_BODIES = frozenset({"FUNCTION", "PROCEDURE"})
_READS = frozenset({"SELECT", "EXPLAIN", "VALUES", "SHOW", "TABLE", "FETCH", "DECLARE", "CLOSE", "MOVE", "LISTEN"})
_CONTROL = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"})
_SESSION = frozenset({"SET", "RESET", "DISCARD", "LOCK", "DEALLOCATE", "UNLISTEN", "CHECKPOINT", "ANALYZE", "VACUUM"})
DDL = frozenset({"CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "IMPORT", "SECURITY", "REASSIGN"})
_WRITES = re.compile(r"\binto\b|\b(?:next|set)val\s*\(|\blo_\w+\s*\(", re.IGNORECASE)
_WITH_WRITES = re.compile(r"\b(?:insert|update|delete|merge|into)\b", re.IGNORECASE)
_MOVES = re.compile(
    r"\bdrop\s+(?:table|schema|materialized|owned)\b|\bcreate\b.*\bas\b|\balter\s+table\b.*\b(?:drop|type)\b|\btruncate\b",
    re.IGNORECASE | re.DOTALL,
)
_ALONE = re.compile(
    r"\bconcurrently\b|\bvacuum\b|\b(?:create|drop)\s+(?:database|tablespace|subscription)\b|\balter\s+system\b|"
    r"\badd\s+value\b|autocommit_block|isolation_level|\bcommit\b\s*[;\"'(]",
    re.IGNORECASE,
)


def tokens(text: str, start: int = 0) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, text, offset) of what a script is made of; blanks and comments are ``blank``."""
    at = start
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None
        kind, end = str(found.lastgroup), found.end()
        if kind == "comment":
            kind, end = "blank", _comment_end(text, end)
        elif kind == "dollar":
            close = text.find(found.group(), end)
            kind, end = "string", len(text) if close < 0 else close + len(found.group())
        yield kind, text[at:end], at
        at = end


def _comment_end(text: str, at: int) -> int:
    depth = 1
    while depth:
        found = _EDGE.search(text, at)
        if found is None:
            return len(text)
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return at


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements of a script, each with the offset of its first token, without the closing semicolon.

    What consists of blanks and comments only is left out. Semicolons in strings, quoted names, ``$$`` bodies, comments,
    parentheses and ``BEGIN ATOMIC`` bodies end nothing.
    """
    first, end, depth, atomic = -1, 0, 0, 0
    words: list[str] = []
    for kind, token, at in tokens(text):
        if kind == "blank":
            continue
        if token == ";" and kind == "other" and depth <= 0 and not atomic:
            if first >= 0:
                yield first, text[first:end]
            first, depth, words = -1, 0, []
            continue
        if first < 0:
            first = at
        end = at + len(token)
        if kind == "other":
            depth += (token == "(") - (token == ")")
        elif kind == "word":
            word = token.upper()
            if atomic:
                atomic += (word == "CASE") - (word == "END")
            elif word == "ATOMIC" and words[-1:] == ["BEGIN"] and _BODIES & set(words[:4]):
                atomic = 1
            words = [*words[:4], word]
    if first >= 0:
        yield first, text[first:end]


def split_script(text: str) -> tuple[str, ...]:
    """Return the statements of a script in their order."""
    return tuple(piece for _, piece in pieces(text))


def first_word(sql: str) -> str:
    """Return the first keyword of a statement in upper case."""
    for kind, token, _ in tokens(sql):
        if kind == "word":
            return token.upper()
        if kind not in ("blank", "other"):
            break
    return ""


def is_read(sql: str) -> bool:
    """Whether a statement changes neither schema nor rows: queries, transaction control, settings of the session."""
    word = first_word(sql)
    if word == "WITH":
        return _WITH_WRITES.search(sql) is None
    if word in _READS:
        return _WRITES.search(sql) is None
    return word in _CONTROL or word in _SESSION


def is_control(sql: str) -> bool:
    """Whether a statement begins or ends a whole transaction."""
    word = first_word(sql)
    if word in ("ROLLBACK", "PREPARE"):
        return bool(re.search(r"\btransaction\b|\bprepared\b", sql, re.IGNORECASE)) or (
            word == "ROLLBACK" and not re.search(r"\bto\b", sql, re.IGNORECASE)
        )
    return word in ("BEGIN", "START", "COMMIT", "END", "ABORT")


def is_ddl(sql: str) -> bool:
    """Whether a statement is one that changes the schema, by its first word."""
    word = first_word(sql)
    return word in DDL or (word in ("SELECT", "WITH") and re.search(r"\binto\b", sql, re.IGNORECASE) is not None)


def moves_rows(sql: str) -> bool:
    """Whether a statement may remove, copy or rewrite rows that are there."""
    return _MOVES.search(sql) is not None


def stands_alone(text: str) -> bool:
    """Whether a migration's text has what cannot run, or means something else, inside a transaction of our own."""
    return _ALONE.search(text) is not None
