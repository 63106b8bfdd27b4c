"""What definitions mean to PostgreSQL: one form for each type and each default, however it is spelled.

Deparsed text is canonical already on one server; what remains are the different words for one thing. Sources: the
PostgreSQL manual, "Data Types" (precision of times, serial types) and "Date/Time Functions" (the names of now).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

_STRING = r"E?'(?:[^']|'')*'"
_CAST = re.compile(rf"(?:\(({_STRING})\)|({_STRING}))::([A-Za-z_\"][^'():]*(?:\([\d,]+\))?[^'():]*)\Z", re.DOTALL)
_NULL = re.compile(r"NULL(?:::[^'():]+(?:\([\d,]+\))?[^'():]*)?\Z")
_NUMBER = re.compile(
    r"\(?'?([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)'?\)?(?:::(?:smallint|integer|bigint|real|double precision|"
    r"numeric(?:\(\d+(?:,-?\d+)?\))?))?\Z"
)
_NUMERIC = re.compile(r"(?:smallint|integer|bigint|real|double precision|numeric(?:\(\d+(?:,-?\d+)?\))?)\Z")
_MARKS = re.compile(r"""[()]|"[^"]*"|\b[Ee]'(?:[^'\\]|\\.|'')*'|'[^']*'""", re.DOTALL)
_FULL = re.compile(r"\b(time|timestamp|interval)\(6\)")
_TEXTS = frozenset(("text", "character varying"))
_CLOCKS = {
    "CURRENT_TIMESTAMP": "now()",
    "transaction_timestamp()": "now()",
    "('now'::text)::date": "CURRENT_DATE",
    "(now())::date": "CURRENT_DATE",
    "(CURRENT_TIMESTAMP)::date": "CURRENT_DATE",
}


@lru_cache(maxsize=1 << 12)
def type_name(formatted: str) -> str:
    """Return a type as ``format_type`` writes it without what changes nothing: six digits are a time's default."""
    return _FULL.sub(r"\1", formatted) if "(6)" in formatted else formatted


def base_name(formatted: str) -> str:
    """Return a type without its modifiers: ``character varying(20)`` is a ``character varying``."""
    return re.sub(r"\([\d,\s-]+\)", "", formatted)


@lru_cache(maxsize=1 << 14)
def default_value(text: str | None, kind: str) -> str | None:
    """Return what a default means in a column of this type, as SQL; None where it is NULL.

    A cast to the column's own type says nothing, ``'0'::numeric``, ``0.0`` and ``0`` are one number, and so are the
    names of the time at which the transaction began.

    >>> default_value("'x'::character varying", "text"), default_value("'-1'::integer", "integer")
    ("'x'", '-1')
    """
    if text is None or _NULL.match(text):
        return None
    if _NUMERIC.match(kind) and (number := _NUMBER.match(text)):
        return _number(number[1])
    if cast := _CAST.match(text):
        base, own = base_name(cast[3]), base_name(kind)
        same = base == own and (cast[3] == base or cast[3] == kind)
        if same or (base in _TEXTS and own in _TEXTS and cast[3] == base):
            return cast[1] or cast[2]
    if text == "LOCALTIMESTAMP" and kind.startswith("timestamp") and kind.endswith("without time zone"):
        return "now()"
    return _CLOCKS.get(text, text)


def _number(digits: str) -> str:
    try:
        value = Decimal(digits)
    except InvalidOperation:
        return digits
    text = format(value, "f") if -30 < value.adjusted() < 40 else str(value.normalize())
    if "." in text and "E" not in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@lru_cache(maxsize=1 << 14)
def condition(text: str) -> str:
    """Return a deparsed condition without the parentheses around the whole of it."""
    while text[:1] == "(" and text[-1:] == ")" and _closes(text) == len(text) - 1:
        text = text[1:-1]
    return text


def _closes(text: str, start: int = 0) -> int:
    """Return the place of the parenthesis that closes the one at ``start``, or -1; strings and names are passed over."""
    depth = 0
    for match in _MARKS.finditer(text, start):
        mark = match[0]
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            if depth == 0:
                return match.start()
    return -1


def inside(text: str, start: int) -> str:
    """Return what stands in the parentheses that open at ``start``."""
    end = _closes(text, start)
    return text[start + 1 : end] if end > 0 else text[start + 1 :]


@lru_cache(maxsize=1 << 12)
def numbers(text: str | None) -> tuple[int, ...]:
    """Return the integers of an array or a vector in PostgreSQL's text form: ``{1,2}`` or ``1 2``."""
    if not text:
        return ()
    return tuple([int(item) for item in text.strip("{}").replace(",", " ").split()])
