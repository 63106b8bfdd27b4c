"""Expressions of SQLite -> one form: parentheses that change nothing go, other words for one operator become one.

SQLite keeps an expression as its author wrote it, and every tool writes it in its own way. The operators and how tightly they
bind are those of https://sqlite.org/lang_expr.html. What is not understood here keeps its folded text (`forensics.sqltext.fold`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from forensics.sqltext import (
    RESERVED,
    Token,
    closing,
    fold,
    join,
    name_key,
    quote_string,
    spell,
    tokens,
    unquote,
    unwrapped,
)

_OR, _AND, _NOT, _EQUAL, _LESS, _BITS, _ADD, _TIMES, _JOIN, _COLLATE, _SIGN, _ATOM = range(1, 13)
_INFIX = {
    "=": _EQUAL, "==": _EQUAL, "!=": _EQUAL, "<>": _EQUAL, "<": _LESS, "<=": _LESS, ">": _LESS, ">=": _LESS, "&": _BITS,
    "|": _BITS, "<<": _BITS, ">>": _BITS, "+": _ADD, "-": _ADD, "*": _TIMES, "/": _TIMES, "%": _TIMES, "||": _JOIN,
    "->": _JOIN, "->>": _JOIN,
}  # fmt: skip
_SPELLED = {"==": "=", "<>": "!="}
_LIKE = frozenset(("like", "glob", "match", "regexp"))
_VALUES = frozenset(("null", "true", "false", "current_timestamp", "current_date", "current_time"))
_QUERY = frozenset(("select", "with", "values"))
# Where the operands of the same operator side by side need no parentheses on either side.
_CHAINS = frozenset((" and ", " or ", " || "))


class _Unclear(ValueError):
    """This is not among what is understood here."""


class _Node(NamedTuple):
    """An expression as text, how tightly its outermost operator binds, and that operator."""

    text: str
    level: int = _ATOM
    operator: str = ""

    def within(self, level: int, chain: str = "") -> str:
        """Return the text as an operand that must bind at least so tightly."""
        return self.text if self.level >= level or (chain and self.operator == chain) else f"({self.text})"


@lru_cache(maxsize=1 << 13)
def expression(text: str, columns: frozenset[str] | None = None) -> str:
    """Return the normal form of an expression of a table; two that differ only in spelling share it.

    Beyond what `fold` leaves out, parentheses that change nothing do not count, a column's own table before it, how a number is
    written, and ``NOT NULL`` for ``IS NOT NULL``. ``columns`` as in `fold`.

    >>> expression('(("a") > 0) AND ((t.b NOT NULL) and c <> 0x10)')
    'a > 0 and b is not null and c != 16'
    """
    try:
        reader = _Reader(tokens(text), columns)
        return reader.whole().text
    except (_Unclear, RecursionError):
        return fold(text, columns)


class _Reader:
    """Reads an expression from the left, by how tightly its operators bind."""

    def __init__(self, items: list[Token], columns: frozenset[str] | None) -> None:
        self.items = items
        self.columns = columns
        self.place = 0

    def whole(self) -> _Node:
        found = self.read(_OR)
        if self.place != len(self.items):
            raise _Unclear
        return found

    @property
    def word(self) -> str:
        return self.items[self.place].word if self.place < len(self.items) else ""

    @property
    def mark(self) -> str:
        return self.items[self.place].text if self.place < len(self.items) else ""

    def take(self) -> Token:
        if self.place >= len(self.items):
            raise _Unclear
        self.place += 1
        return self.items[self.place - 1]

    def accept(self, *words: str) -> bool:
        if [token.word for token in self.items[self.place : self.place + len(words)]] != list(words):
            return False
        self.place += len(words)
        return True

    def read(self, least: int) -> _Node:
        found = self.operand()
        while self.place < len(self.items):
            more = self.rest(found, least)
            if more is None:
                return found
            found = more
        return found

    def rest(self, left: _Node, least: int) -> _Node | None:
        """Read an operator that binds at least so tightly and what follows it."""
        if self.items[self.place].kind == "operator":
            level = _INFIX.get(self.mark, 0)
            if level < max(least, 1):
                return None
            mark = self.take().text
            return self.pair(left, f" {_SPELLED.get(mark, mark)} ", level)
        word = self.word
        if word in ("and", "or"):
            level = _AND if word == "and" else _OR
            if level < least:
                return None
            self.place += 1
            return self.pair(left, f" {word} ", level)
        if word == "collate":
            if least > _COLLATE:
                return None
            self.place += 1
            return _Node(f"{left.within(_COLLATE)} collate {spell(unquote(self.take().text))}", _COLLATE)
        return self.compared(left, word) if least <= _EQUAL else None

    def pair(self, left: _Node, operator: str, level: int) -> _Node:
        right = self.read(level + 1)
        chain = operator if operator in _CHAINS else ""
        return _Node(f"{left.within(level, chain)}{operator}{right.within(level + 1, chain)}", level, operator)

    def compared(self, left: _Node, word: str) -> _Node | None:
        start = left.within(_EQUAL)
        if self.accept("isnull"):
            return _Node(f"{start} is null", _EQUAL)
        if self.accept("notnull") or self.accept("not", "null"):
            return _Node(f"{start} is not null", _EQUAL)
        if self.accept("is"):
            other = self.accept("not")
            if self.accept("distinct", "from"):
                other = not other
            return _Node(f"{start} is {'not ' if other else ''}{self.read(_LESS).within(_LESS)}", _EQUAL)
        no = "not " if self.accept("not") else ""
        if self.accept("between"):
            low = self.read(_LESS).within(_LESS)
            if not self.accept("and"):
                raise _Unclear
            return _Node(f"{start} {no}between {low} and {self.read(_LESS).within(_LESS)}", _EQUAL)
        if self.accept("in"):
            if self.mark != "(":
                raise _Unclear
            return _Node(f"{start} {no}in ({self.listed()})", _EQUAL)
        word = self.word
        if word in _LIKE:
            self.place += 1
            text = f"{start} {no}{word} {self.read(_LESS).within(_LESS)}"
            return _Node(text + (f" escape {self.read(_LESS).within(_LESS)}" if self.accept("escape") else ""), _EQUAL)
        if no:
            raise _Unclear
        return None

    def inside(self) -> list[Token]:
        """Take the tokens between a pair of parentheses."""
        end = closing(self.items, self.place)
        if end == len(self.items):
            raise _Unclear
        found = self.items[self.place + 1 : end]
        self.place = end + 1
        return found

    def listed(self) -> str:
        """Take a pair of parentheses with expressions, or a query, between them."""
        found = self.inside()
        if found and found[0].word in _QUERY:
            return join(found, self.columns)
        return ", ".join(item.text for item in self.several(found))

    def several(self, items: list[Token]) -> list[_Node]:
        if not items:
            return []
        found = []
        reader = _Reader(items, self.columns)
        while True:
            found.append(reader.read(_OR))
            if reader.place == len(items):
                return found
            if reader.take().text != ",":
                raise _Unclear

    def operand(self) -> _Node:
        token = self.take()
        kind, text, word = token.kind, token.text, token.word
        if text == "(":
            self.place -= 1
            found = self.inside()
            if found and found[0].word in _QUERY:
                return _Node(f"({join(found, self.columns)})")
            nodes = self.several(found)
            return nodes[0] if len(nodes) == 1 else _Node(f"({', '.join(node.text for node in nodes)})")
        if kind == "operator":
            if text not in ("-", "+", "~"):
                raise _Unclear
            signed = self.read(_SIGN).within(_SIGN)
            return _Node(text + (f" {signed}" if signed[:1] in "-+" else signed), _SIGN)
        if kind == "number":
            return _Node(_number(text))
        if kind in ("string", "blob", "parameter"):
            return _Node(text if kind != "blob" else text.lower())
        if word == "not":
            inner = self.read(_NOT)
            return _Node(f"not {inner.within(_NOT)}", _NOT)
        if word == "case":
            return self.case()
        if word == "cast" and self.mark == "(":
            return self.cast()
        if word == "exists" and self.mark == "(":
            return _Node(f"exists ({self.listed()})")
        if word in _VALUES:
            return _Node(word)
        if kind not in ("word", "quoted") or word in RESERVED:
            raise _Unclear
        return self.named(token)

    def named(self, token: Token) -> _Node:
        """Read a column or a call of a function, whose name has been taken."""
        if self.mark == "(":
            name = spell(unquote(token.text))
            inner = self.inside()
            if self.word in ("filter", "over"):
                raise _Unclear
            if [item.text for item in inner] == ["*"]:
                return _Node(f"{name}(*)")
            distinct = "distinct " if inner and inner[0].word == "distinct" else ""
            nodes = self.several(inner[1:] if distinct else inner)
            return _Node(f"{name}({distinct}{', '.join(node.text for node in nodes)})")
        alone = True
        while self.mark == ".":
            self.place += 1
            token, alone = self.take(), False
            if token.kind not in ("word", "quoted"):
                raise _Unclear
        name = unquote(token.text)
        literal = alone and self.columns is not None and token.text[0] == '"' and name_key(name) not in self.columns
        return _Node(quote_string(name) if literal else spell(name) if token.kind == "quoted" else name_key(name))

    def case(self) -> _Node:
        parts = ["case"]
        if self.word != "when":
            parts.append(self.read(_OR).text)
        while self.accept("when"):
            condition = self.read(_OR).text
            if not self.accept("then"):
                raise _Unclear
            parts.append(f"when {condition} then {self.read(_OR).text}")
        if self.accept("else"):
            parts.append(f"else {self.read(_OR).text}")
        if not self.accept("end"):
            raise _Unclear
        return _Node(" ".join([*parts, "end"]))

    def cast(self) -> _Node:
        inner = self.inside()
        reader = _Reader(inner, self.columns)
        value = reader.read(_OR).text
        if not reader.accept("as"):
            raise _Unclear
        return _Node(f"cast({value} as {join(inner[reader.place :])})")


def trigger_items(items: list[Token]) -> list[Token]:
    """Return the tokens of a trigger without the order of the columns that it watches and the parentheses of its condition."""
    begin = next((place for place, token in enumerate(items) if token.word == "begin"), len(items))
    head, body = items[:begin], items[begin:]
    words = [token.word for token in head]
    if "when" in words:
        place = words.index("when") + 1
        head = [*head[:place], *unwrapped(head[place:])]
    on = words.index("on") if "on" in words else 0
    if words[:on].count("of") and words[words.index("of") - 1] == "update":
        first = words.index("of") + 1
        names = sorted((item for item in head[first:on] if item.text != ","), key=lambda item: spell(unquote(item.text)))
        commas = [item for item in head[first:on] if item.text == ","]
        if len(names) == len(commas) + 1:
            ordered = [item for pair in zip(names, [*commas, names[0]], strict=True) for item in pair][:-1]
            head = [*head[:first], *ordered, *head[on:]]
    return [*head, *body]


def view_items(items: list[Token]) -> list[Token]:
    """Return the tokens of a query without words that say what is so without them: INNER, OUTER, ASC."""
    found: list[Token] = []
    for place, token in enumerate(items):
        word = token.word
        after = items[place + 1] if place + 1 < len(items) else None
        joins = word in ("inner", "outer") and after is not None and after.word == "join"
        ends = after is None or after.text in (",", ")", ";") or after.word in ("limit", "nulls")
        if not (joins or (word == "asc" and ends and place and items[place - 1].word not in ("by", "as"))):
            found.append(token)
    return found


def _number(text: str) -> str:
    digits = text.lower().replace("_", "")
    if digits.startswith("0x"):
        value = int(digits, 16)
        return str(value) if value < 1 << 63 else digits
    if digits.isdecimal():
        return digits.lstrip("0") or "0"
    return repr(float(digits))
