"""What definitions mean to PostgreSQL: one form for each type and each default, however it is spelled.

Deparsed text is canonical already on one server; what remains are the different words for one thing. Sources: the
PostgreSQL manual, "Data Types" (precision of times, serial types) and "Date/Time Functions" (the names of now).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from forensics.catalogs.postgresql_expressions import expression
from forensics.model import Attrs, Scalar

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
_CHARACTERS = _TEXTS | {"character", "bpchar"}
_PRECISE = re.compile(r"(CURRENT_TIMESTAMP|LOCALTIMESTAMP)\((\d)\)\Z")
_ARRAY = re.compile(r"ARRAY\[([^\]]*)\](?:::([A-Za-z_ ]+\[\]))?\Z")
_ELEMENT = re.compile(r"(?:'([A-Za-z0-9_]+)'::(?:text|character varying)|(-?\d+))\Z")
_INTEGERS = frozenset(("smallint", "integer", "bigint"))
# A constant of these words is read as another time whenever the default is used, but only where it is cast then.
_MOVING = re.compile(r"'\s*(?:now|today|tomorrow|yesterday)\s*'\Z", re.IGNORECASE)
# Operator classes that are another name of the one for text or for addresses.
_CLASSES = {"varchar_ops": "", "cidr_ops": "", "varchar_pattern_ops": "text_pattern_ops"}
_CLASS = re.compile(r" (varchar_ops|cidr_ops|varchar_pattern_ops)(?![\w\"])")
_UPDATED = re.compile(r"\bUPDATE OF (.+?)(?= ON | OR )")
_LISTED = re.compile(r"FOR VALUES IN \((.*)\)\Z", re.DOTALL)
_COMMA = re.compile(r"""E?'(?:[^']|'')*'|"(?:[^"]|"")*"|(, )""")


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
    names of the time at which the transaction began; an array of plain values is one however it is written.

    >>> default_value("'x'::character varying", "text"), default_value("'-1'::integer", "integer")
    ("'x'", '-1')
    """
    if text is None or _NULL.match(text):
        return None
    if _NUMERIC.match(kind) and (number := _NUMBER.match(text)):
        return _number(number[1])
    own = base_name(kind)
    if cast := _CAST.match(text):
        said = cast[3] if cast[3] == kind else cast[3].removeprefix("public.")
        base = base_name(said)
        same = base == own and said in (base, kind)
        alike = (base in _TEXTS and own in _TEXTS) or (own == "character" and base in _CHARACTERS)
        if same or (alike and said == base):
            return cast[1] or cast[2]
        return text
    if kind.endswith("[]") and (found := _array(text, kind)):
        return found
    text = expression(text)
    ending = next((end for end in (f")::{own}", f")::public.{own}") if text.endswith(end)), "")
    if own == kind and ending and _closes(text) == len(text) - len(ending):
        inner = text[1 : -len(ending)]
        constant = _CAST.match(inner)
        if constant is None:
            return default_value(inner, kind)
        if base_name(constant[3]) in _TEXTS and not _MOVING.match(constant[1] or constant[2]):
            return constant[1] or constant[2]
        if kind.startswith("timestamp") and (constant[1] or constant[2]) == "'now'":
            return "now()"
    return _moment(text, kind)


def _moment(text: str, kind: str) -> str:
    """Return the time at which the transaction began under one name, as far as the type of the column makes it one."""
    precise = _PRECISE.match(text)
    if precise and f"({precise[2]})" in kind:
        text = "now()" if precise[1] == "CURRENT_TIMESTAMP" else precise[1]
    if text == "LOCALTIMESTAMP" and kind.startswith("timestamp") and kind.endswith("without time zone"):
        return "now()"
    return "CURRENT_DATE" if text in ("now()", "LOCALTIMESTAMP") and kind == "date" else text


def _array(text: str, kind: str) -> str:
    """Return an array of plain values as a constant, or nothing where it is something else."""
    while text.startswith("(") and text.endswith(f")::{kind}") and _closes(text) == len(text) - len(kind) - 3:
        text = text[1 : _closes(text)]
    found = _ARRAY.match(text)
    if found is None:
        return ""
    values = [_ELEMENT.match(item) for item in found[1].split(", ")] if found[1] else []
    if any(item is None for item in values) or (not values and found[2] != kind):
        return ""
    words = [item[1] or item[2] for item in values if item is not None]
    whole = all(item is not None and item[2] for item in values)
    element = kind.removesuffix("[]")
    if words and not (whole and element in _INTEGERS) and not (base_name(element) in _TEXTS and not whole):
        return ""
    return "" if "null" in {word.lower() for word in words} else f"'{{{','.join(words)}}}'"


def spelled(name: str, normal: Scalar, written: Scalar) -> Attrs:
    """Return the trace of how something was written, where that is not its normal form: it is what a rebuild must write."""
    return () if normal == written else ((name, written),)


def index_keys(text: str) -> str:
    """Return the keys of an index without the names of operator classes that say nothing, expressions in normal form."""
    text = _CLASS.sub(lambda match: f" {_CLASSES[match[1]]}".rstrip(), text) if "_ops" in text else text
    return expression(text)


def trigger_text(text: str) -> str:
    """Return what a trigger does without the order of the columns whose update it waits for."""
    text = _UPDATED.sub(lambda match: f"UPDATE OF {', '.join(sorted(match[1].split(', ')))}", text, count=1)
    return expression(text)


def bound(text: str | None) -> str | None:
    """Return the bound of a partition without the order of the values that it lists."""
    found = _LISTED.match(text or "")
    if found is None:
        return text
    values, start = [], 0
    for match in _COMMA.finditer(found[1]):
        if match[1]:
            values.append(found[1][start : match.start()])
            start = match.end()
    return f"FOR VALUES IN ({', '.join(sorted([*values, found[1][start:]]))})"


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
    """Return a deparsed condition in its normal form, without the parentheses around the whole of it."""
    return expression(unwrapped(text))


@lru_cache(maxsize=1 << 14)
def unwrapped(text: str) -> str:
    """Return a deparsed expression without the parentheses around the whole of it, otherwise as it is."""
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
