"""SQL as text: tokens, statements, and the normal form in which two spellings of one thing are equal.

Nothing here connects to anything or fails: text that no database would accept is still cut into tokens. The rules are
SQLite's (https://sqlite.org/lang_keywords.html and its tokenizer), which every other dialect's plain DDL fits too;
``$tag$ ... $tag$`` is one token.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

_RESERVED_WORDS = """
    add all alter and as autoincrement between case check collate commit constraint create default deferrable delete
    distinct drop else escape except exists foreign from group having in index insert intersect into is isnull join
    limit not nothing notnull null on or order primary references returning select set table then to transaction union
    unique update using values when where
"""
_SPECIAL_WORDS = "cast current_date current_time current_timestamp end false glob like match raise regexp true"
RESERVED = frozenset(_RESERVED_WORDS.split())
_SPECIAL = RESERVED | frozenset(_SPECIAL_WORDS.split())
_SPACE = " \t\n\f\r\ufeff"
_TOKEN = re.compile(
    r"""[ \t\n\f\r\ufeff]*+(?:
    (?P<word>(?![xX]')[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    |(?P<mark>[(),;]|\.(?![0-9]))
    |(?P<string>'[^']*(?:''[^']*)*(?:'|\Z))
    |(?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)
    |(?P<quoted>"[^"]*(?:""[^"]*)*(?:"|\Z)|`[^`]*(?:``[^`]*)*(?:`|\Z)|\[[^\]]*(?:\]|\Z))
    |(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<blob>[xX]'[0-9a-fA-F]*')
    |(?P<dollar>\$(\w*)\$.*?\$\9\$)
    |(?P<parameter>\?[0-9]*|[:@$\#][A-Za-z0-9_$:\x80-\U0010ffff]+)
    |(?P<operator>->>|->|\|\||<<|>>|<=|>=|<>|!=|==|[^ \t\n\f\r]))""",
    re.DOTALL | re.VERBOSE,
)
_PLAIN = re.compile(r"[a-z_\x80-\U0010ffff][a-z0-9_$\x80-\U0010ffff]*\Z")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_OPERATORS = {"==": "=", "<>": "!="}
_WORDS = {"isnull": ("is", "null"), "notnull": ("is", "not", "null")}


class Token(NamedTuple):
    """One token and where it starts.

    ``kind``: ``word`` (keywords too), ``quoted`` (a name), ``string``, ``number``, ``blob``, ``parameter``, ``dollar``,
    ``comment``, ``mark`` (one of ``( ) , ; .``) or ``operator``.
    """

    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """The token as a keyword: lower case, and empty for anything that is not a bare word."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def end(self) -> int:
        """Where the token ends."""
        return self.start + len(self.text)


_new: Callable[[type[Token], tuple[str, str, int]], Token] = tuple.__new__


class Target(NamedTuple):
    """What a statement is about. ``if_not_exists`` is also set by ``IF EXISTS``; ``table`` is empty where unsaid."""

    verb: str
    kind: str
    name: str
    if_not_exists: bool
    table: str


def tokens(text: str, *, comments: bool = False) -> list[Token]:
    """Cut a text into its tokens, without white space, and with the comments only on demand."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text.rstrip(_SPACE)):
        kind = match.lastgroup or ""
        if kind != "comment" or comments:
            piece = match[kind]
            # The class's own constructor costs more than all the rest of this loop.
            found.append(_new(Token, (kind, piece, match.end() - len(piece))))
    return found


@lru_cache(maxsize=1 << 16)
def name_key(name: str) -> str:
    """Fold the case of a name as SQLite does, which is for the letters A to Z only."""
    return name.lower() if name.isascii() else name.translate(_ASCII_LOWER)


def unquote(text: str) -> str:
    """Return the name (or the string) that a token spells, whichever of the four quotes it wears."""
    mark = text[:1]
    if mark == "[":
        return text[1:-1] if text.endswith("]") else text[1:]
    if mark in ("'", '"', "`") and mark:
        inner = text[1:-1] if len(text) > 1 and text.endswith(mark) else text[1:]
        return inner.replace(mark * 2, mark)
    return text


def quote(name: str) -> str:
    """Return a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_string(value: str) -> str:
    """Return a string literal."""
    return "'" + value.replace("'", "''") + "'"


@lru_cache(maxsize=1 << 14)
def spell(name: str) -> str:
    """Return a name in its normal form: case folded, and quoted only where it must be."""
    key = name_key(name)
    return key if _PLAIN.match(key) and key not in _SPECIAL else quote(key)


def closing(items: list[Token], start: int) -> int:
    """Return the place of the parenthesis that closes the one at ``start``, or the number of tokens if none does."""
    depth = 0
    for place in range(start, len(items)):
        text = items[place].text
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
            if depth == 0:
                return place
    return len(items)


def unwrapped(items: list[Token]) -> list[Token]:
    """Return the tokens without the parentheses that enclose all of them."""
    while len(items) > 2 and items[0].text == "(" and closing(items, 0) == len(items) - 1:
        items = items[1:-1]
    return items


@lru_cache(maxsize=1 << 14)
def fold(text: str, columns: frozenset[str] | None = None) -> str:
    """Return the normal form of a statement or an expression; two texts that differ only in spelling share it.

    White space, comments, the case of keywords and names, quotes that a name does not need, ``==`` for ``=``, ``<>``
    for ``!=``, ``ISNULL``/``NOTNULL``, parentheses around the whole and a final semicolon do not count. The content
    of string literals does. Where ``columns`` (folded names) are given, a name in double quotes that is none of them
    is a string literal, which is how SQLite reads it.
    """
    items = tokens(text)
    while items and items[-1].text == ";":
        items.pop()
    return join(unwrapped(items), columns)


def join(items: list[Token], columns: frozenset[str] | None = None) -> str:
    """Return the normal form of tokens; see `fold`."""
    words: list[tuple[str, str]] = []
    for place, (kind, text, _) in enumerate(items):
        if kind == "word":
            lower = name_key(text)
            words += [("word", word) for word in _WORDS.get(lower, (lower,))]
        elif kind == "quoted":
            name = unquote(text)
            literal = columns is not None and text[0] == '"' and name_key(name) not in columns
            if literal and _stands_alone(items, place):
                words.append(("string", quote_string(name)))
            else:
                words.append(("name", spell(name)))
        elif kind in ("number", "blob"):
            words.append((kind, text.lower()))
        else:
            words.append((kind, _OPERATORS.get(text, text)))
    return _spaced(words)


def _stands_alone(items: list[Token], place: int) -> bool:
    before = items[place - 1].text if place else ""
    after = items[place + 1].text if place + 1 < len(items) else ""
    return before.lower() not in (".", "collate", "as") and after not in (".", "(")


def _spaced(words: list[tuple[str, str]]) -> str:
    parts: list[str] = []
    glue = True
    called = operand = False
    for kind, text in words:
        if not (glue or text in (",", ")", ".", ";") or (text == "(" and called)):
            parts.append(" ")
        parts.append(text)
        # A sign that follows no operand belongs to what comes after it.
        glue = text in ("(", ".") or (text in ("-", "+", "~") and kind == "operator" and not operand)
        called = kind == "name" or (kind == "word" and text not in RESERVED)
        operand = text == ")" if kind in ("mark", "operator") else not (kind == "word" and text in RESERVED)
    return "".join(parts)


def split_script(text: str) -> tuple[str, ...]:
    """Split a script into its statements, each from its first token to its semicolon.

    Executing the pieces one by one stores the same text in ``sqlite_master`` as executing the whole. Semicolons in
    trigger bodies, strings and comments do not split (`sqlite3.complete_statement` decides); pieces that are empty or
    only a comment are left out; text after the last semicolon is a piece of its own.
    """
    pieces: list[str] = []
    start = -1
    compound = False
    for token in tokens(text):
        if start < 0:
            if token.text == ";":
                continue
            start, compound = token.start, token.word in ("create", "explain")
        if token.text == ";" and (not compound or _complete(text[start : token.end])):
            pieces.append(text[start : token.end])
            start = -1
    if start >= 0:
        pieces.append(text[start:])
    return tuple(pieces)


def _complete(piece: str) -> bool:
    # Neither NUL nor a lone surrogate can be handed to SQLite, and neither changes where a statement ends.
    return sqlite3.complete_statement(piece.replace("\0", " ").encode("utf-8", "replace").decode())


def first_comment(text: str) -> str:
    """Return the comment that a text begins with, without its marks, or nothing. Lines with ``--`` in a row are one."""
    lines: list[str] = []
    end = 0
    for token in tokens(text, comments=True):
        block = token.text.startswith("/*")
        if token.kind != "comment" or (lines and (block or "\n" in text[end : token.start].replace("\n", "", 1))):
            break
        if block:
            body = token.text[2:].removesuffix("*/")
            return "\n".join(line.strip().removeprefix("*").strip() for line in body.splitlines()).strip()
        lines.append(token.text.lstrip("-").strip())
        end = token.end
    return "\n".join(lines).strip()


def mentions(sql: str) -> frozenset[str]:
    """Return every name in a statement, case folded: bare words that are not reserved, and quoted names."""
    return frozenset(
        unquote(token.text).casefold()
        for token in tokens(sql)
        if token.kind == "quoted" or (token.kind == "word" and token.word not in RESERVED)
    )


def statement_target(sql: str) -> Target:
    """Say what a statement does to what; of a statement that is about no object, only the verb is known."""
    items = tokens(sql)
    words = [token.word for token in items]
    if words[:1] == ["with"]:
        depth = 0
        for place, token in enumerate(items):
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0 and token.word in ("insert", "replace", "update", "delete", "select"):
                items, words = items[place:], words[place:]
                break
    verb = words[0] if words else ""
    if verb in ("create", "drop", "alter"):
        return _definition(verb, items, words)
    skip = {"insert": "into", "replace": "into", "delete": "from"}.get(verb)
    if skip in words[:4]:
        name, _ = _name(items, words.index(skip or "") + 1)
        return Target(verb, "table", name, False, name)
    if verb == "update":
        name, _ = _name(items, 3 if words[1:2] == ["or"] else 1)
        return Target(verb, "table", name, False, name)
    if verb == "pragma":
        return Target(verb, "pragma", _name(items, 1)[0], False, "")
    return Target(verb, "", "", False, "")


def _definition(verb: str, items: list[Token], words: list[str]) -> Target:
    place = 1
    while words[place : place + 1] and words[place] in ("temp", "temporary", "unique", "virtual", "or", "replace"):
        place += 1
    kind = words[place] if place < len(words) else ""
    place += 1
    guarded = words[place : place + 1] == ["if"] and "exists" in words[place : place + 3]
    if guarded:
        place += words[place : place + 3].index("exists") + 1
    name, place = _name(items, place)
    table = name if kind in ("table", "view") else ""
    if kind in ("index", "trigger") and "on" in words[place:]:
        table, _ = _name(items, words.index("on", place) + 1)
    return Target(verb, kind, name, guarded, table)


def _name(items: list[Token], place: int) -> tuple[str, int]:
    """Return the name at a place, without its schema, and the place after it."""
    if place + 2 < len(items) and items[place + 1].text == ".":
        place += 2
    if place >= len(items) or items[place].kind not in ("word", "quoted", "string"):
        return "", place
    return unquote(items[place].text), place + 1
