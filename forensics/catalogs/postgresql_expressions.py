"""Deparsed expressions of PostgreSQL -> one form for what means the same.

A server spells an expression in one way, but not always what a dump of it becomes when it is read again: a list of
``varchar`` values is cast as a whole the first time and value by value the second, and ``a AND (b AND c)`` loses its
parentheses only on the left. Servers of different versions print conversions of time zones and the columns of a view
differently. What comes out is still SQL with the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_QUOTED = re.compile(r"""\b[Ee]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*\"""", re.DOTALL)
# Stand-ins, each of one private character, number and private character: of a quotation, of a pair of parentheses.
_MASK, _GROUP, _END = "\ue000", "\ue001", "\ue002"
_KEPT = re.compile(rf"{_MASK}(\d+){_END}")
_HELD = re.compile(rf"{_GROUP}(\d+){_END}")
_INNERMOST = re.compile(r"([A-Za-z_]\w*)?\(([^()]*)\)")
# What any rule below needs to be there.
_WORTH = re.compile(
    r" AND | OR |CURRENT_TIMESTAMP|transaction_timestamp|\(now\(|'now'|::character varying|AT TIME ZONE|TRIM\(|SUBSTRING\("
)
_CONSTANT = rf"{_MASK}\d+{_END}"
_VARYING = re.compile(rf"({_CONSTANT})::character varying\Z")
_VALUES = re.compile(rf"ARRAY\[({_CONSTANT}::character varying(?:, {_CONSTANT}::character varying)*)\]\Z")
_CASTS = re.compile(rf"{_GROUP}(\d+){_END}::text(\[\])?(?!\w)")
_NOW = re.compile(r"\b(?:CURRENT_TIMESTAMP(?:\(6\))?(?![\w(])|transaction_timestamp\(\))")
_LOCAL = re.compile(r"\bLOCALTIMESTAMP(?![\w(])|\(now\(\)\)::timestamp without time zone")
_TODAY = re.compile(rf"\((?:now\(\)|{_CONSTANT}::text)\)::date\b")
_ALIAS = re.compile(rf"(\bFROM |\bJOIN |,\s+|\()((?:(?:\w+|{_CONSTANT})\.)?(\w+|{_CONSTANT})) (\w+|{_CONSTANT})(?=[\s,)]|\Z)")
_READS = re.compile(r"\b(?:FROM|JOIN|LATERAL|UNION|WITH)\b")
_SOURCE = re.compile(
    rf"\n\s+FROM (?:(?:\w+|{_CONSTANT})\.)?(\w+|{_CONSTANT})"
    rf"(?: (?!(?:WHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|WINDOW|FOR|TABLESAMPLE)\b)(\w+|{_CONSTANT}))?(?=\s|\Z)(?!\s*,)"
)


class _Text:
    """A text whose quotations, and then its parentheses from the innermost on, are replaced by stand-ins."""

    def __init__(self, text: str) -> None:
        self.quoted: list[str] = []
        self.groups: list[str] = []
        self.text = _QUOTED.sub(self._mask, text)

    def _mask(self, match: re.Match[str]) -> str:
        return self.keep(match[0])

    def keep(self, quotation: str) -> str:
        """Return the stand-in of a quotation; the same one for the same."""
        if quotation not in self.quoted:
            self.quoted.append(quotation)
        return f"{_MASK}{self.quoted.index(quotation)}{_END}"

    def constant(self, stand_in: str) -> str:
        """Return the quotation that a stand-in is for."""
        return self.quoted[int(stand_in[1:-1])]

    def fold(self, rule: Callable[[str, str], tuple[str, str] | None]) -> None:
        """Replace each pair of parentheses by what ``rule`` makes of the word before it and of what is inside."""

        def hold(match: re.Match[str]) -> str:
            word = match[1] or ""
            inside = match[2]
            made = rule(word, inside)
            if made is not None:
                word, inside = made
            self.groups.append(inside)
            return f"{word}{_GROUP}{len(self.groups) - 1}{_END}"

        count = 1
        while count:
            self.text, count = _INNERMOST.subn(hold, self.text)

    def whole(self) -> str:
        """Return the text with everything in its place."""
        text = self.text
        while _GROUP in text:
            text = _HELD.sub(lambda match: f"({self.groups[int(match[1])]})", text)
        return _KEPT.sub(lambda match: self.quoted[int(match[1])], text)


@lru_cache(maxsize=1 << 14)
def expression(text: str) -> str:
    """Return the normal form of a deparsed expression.

    >>> expression("((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))")
    "((a)::text = ANY (ARRAY['x'::text, 'y'::text]))"
    >>> expression("(a AND (b AND c))"), expression("(CURRENT_TIMESTAMP AT TIME ZONE 'utc'::text)")
    ('(a AND b AND c)', "timezone('utc'::text, now())")
    """
    if not _WORTH.search(text) or _MASK in text or _GROUP in text:
        return text
    found = _Text(text)
    _rewrite(found)
    return found.whole()


@lru_cache(maxsize=1 << 12)
def query(text: str) -> str:
    """Return the normal form of a deparsed query.

    A table that is called by its own name has no other name, and where a query reads one table alone, its columns need
    no table before them (servers older than version 16 always print one).

    >>> query("SELECT t.a\\n   FROM public.t t\\n  WHERE (t.a > 0)")
    'SELECT a\\n   FROM public.t\\n  WHERE (a > 0)'
    """
    if _MASK in text or _GROUP in text:
        return text
    found = _Text(text)
    found.text = _ALIAS.sub(_named, found.text)
    source = _SOURCE.search(found.text) if len(_READS.findall(found.text)) == 1 else None
    if source is not None:
        before = re.compile(rf"(?<![\w.{_END}]){source[2] or source[1]}\.(?=[\w{_MASK}])")
        head, tail = found.text[: source.start()], found.text[source.end() :]
        found.text = before.sub("", head) + source[0] + before.sub("", tail)
    _rewrite(found)
    return found.whole()


def _named(match: re.Match[str]) -> str:
    word, table, own, other = match[1], match[2], match[3], match[4]
    return word + table if own == other else match[0]


def _rewrite(found: _Text) -> None:
    found.text = _NOW.sub("now()", found.text)
    found.text = _LOCAL.sub("LOCALTIMESTAMP", found.text)
    found.text = _TODAY.sub(
        lambda match: "CURRENT_DATE" if "now()" in match[0] or _says_now(found, match[0]) else match[0], found.text
    )

    def rule(word: str, inside: str) -> tuple[str, str] | None:
        inside = _CASTS.sub(cast, inside)
        if word == "" and " AT TIME ZONE " in inside:
            pair = inside.split(" AT TIME ZONE ")
            return ("timezone", f"{pair[1]}, {pair[0]}") if len(pair) == 2 else None
        if word == "TRIM":
            return _trimmed(inside)
        if word == "SUBSTRING" and " FROM " in inside and " FOR " in inside:
            return found.keep('"substring"'), re.sub(r" FROM | FOR ", ", ", inside)
        for connective in (" AND ", " OR "):
            if connective in inside:
                return word, connective.join(flat(chunk, connective) for chunk in inside.split(connective))
        return word, inside

    def flat(chunk: str, connective: str) -> str:
        held = _HELD.fullmatch(chunk)
        inner = found.groups[int(held[1])] if held else ""
        other = " OR " if connective == " AND " else " AND "
        return inner if connective in inner and other not in inner else chunk

    def cast(match: re.Match[str]) -> str:
        inside = found.groups[int(match[1])]
        if match[2] is None:
            value = _VARYING.match(inside)
            return f"{value[1]}::text" if value else match[0]
        values = _VALUES.match(inside)
        if values is None:
            return match[0]
        return f"ARRAY[{values[1].replace('::character varying', '::text')}]"

    found.fold(rule)
    whole = rule("", found.text)
    found.text = found.text if whole is None else (whole[0] + f"({whole[1]})" if whole[0] else whole[1])


def _says_now(found: _Text, text: str) -> bool:
    return found.constant(text[1 : text.index(_END) + 1]) == "'now'"


def _trimmed(inside: str) -> tuple[str, str] | None:
    where, space, rest = inside.partition(" ")
    name = {"BOTH": "btrim", "LEADING": "ltrim", "TRAILING": "rtrim"}.get(where)
    if name is None or not space:
        return None
    if rest.startswith("FROM "):
        return name, rest.removeprefix("FROM ")
    characters, mark, text = rest.partition(" FROM ")
    return (name, f"{text}, {characters}") if mark else None
