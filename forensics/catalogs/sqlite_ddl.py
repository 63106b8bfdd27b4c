"""Read the ``CREATE TABLE`` and ``CREATE INDEX`` texts that SQLite keeps in ``sqlite_master``.

The texts have been accepted by SQLite, so they follow its grammar (https://sqlite.org/lang_createtable.html and
``parse.y``); what does not raises `UnreadableText`. One comma-separated piece of a definition is read once, however
many tables contain it: real schemas repeat their column definitions, and replays repeat them a thousand times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from forensics.sqltext import Token, closing, fold, join, name_key, spell, tokens, unquote, unwrapped

_STRUCTURE = re.compile(
    r"""[(),]|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)""",
    re.DOTALL,
)
_COLUMN_CLAUSES = "as check collate constraint default deferrable not null on primary references unique"
_CLAUSES = frozenset(_COLUMN_CLAUSES.split())
_TABLE_CLAUSES = frozenset(("constraint", "primary", "unique", "check", "foreign"))


class UnreadableText(ValueError):
    """The text does not follow the grammar that SQLite accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column or expression of a key or an index; ``column`` is empty for an expression."""

    column: str
    expression: str
    collation: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One constraint as it is written. ``kind`` is a kind of `SchemaObject`; ``text`` is a check's expression."""

    kind: str
    name: str = ""
    terms: tuple[Term, ...] = ()
    text: str = ""
    parent: str = ""
    parent_columns: tuple[str, ...] = ()
    on_delete: str = ""
    on_update: str = ""
    deferred: bool = False
    conflict: str = ""
    autoincrement: bool = False
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as it is written; ``default`` and ``generated`` are the texts of their expressions."""

    name: str
    type: str = ""
    notnull: bool = False
    notnull_conflict: str = ""
    default: str | None = None
    collation: str = ""
    generated: str | None = None
    stored: bool = False
    clauses: tuple[Clause, ...] = ()


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


@lru_cache(maxsize=1 << 15)
def definition(piece: str) -> Column | tuple[Clause, ...]:
    """Read one piece of a ``CREATE TABLE``: a column, or the table constraints that stand there."""
    parser = _Parser(piece)
    if parser.word in _TABLE_CLAUSES:
        return parser.table_clauses()
    return parser.column()


@lru_cache(maxsize=1 << 14)
def term(piece: str) -> Term:
    """Read one column or expression of an index."""
    return _term(tokens(piece))


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
    return join(unwrapped(items[1:])) if items and items[0].word == "where" else None


def _term(items: list[Token]) -> Term:
    descending = False
    collation = ""
    if len(items) > 1 and items[-1].word in ("asc", "desc"):
        descending = items[-1].word == "desc"
        items = items[:-1]
    items = unwrapped(items)
    while len(items) > 2 and items[-2].word == "collate":
        # Of several COLLATE operators the outermost decides.
        collation = collation or name_key(unquote(items[-1].text))
        items = unwrapped(items[:-2])
    name = unquote(items[0].text) if len(items) == 1 and items[0].kind in ("word", "quoted", "string") else ""
    return Term(column=name, expression=join(items), collation=collation, descending=descending)


class _Parser:
    """Reads one piece, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items = tokens(text)
        self.place = 0
        if not self.items:
            raise UnreadableText(text)

    @property
    def word(self) -> str:
        return self.items[self.place].word if self.place < len(self.items) else ""

    def take(self) -> Token:
        if self.place >= len(self.items):
            raise UnreadableText(self.text)
        self.place += 1
        return self.items[self.place - 1]

    def accept(self, *words: str) -> bool:
        """Move past these words if they are what comes next."""
        if not self.comes(*words):
            return False
        self.place += len(words)
        return True

    def comes(self, *words: str) -> bool:
        following = self.items[self.place : self.place + len(words)]
        return [token.word for token in following] == list(words)

    def name(self) -> str:
        token = self.take()
        if token.kind not in ("word", "quoted", "string"):
            raise UnreadableText(self.text)
        return unquote(token.text)

    @property
    def opens(self) -> bool:
        return self.place < len(self.items) and self.items[self.place].text == "("

    def group(self) -> list[Token]:
        """Take the tokens between a pair of parentheses."""
        end = closing(self.items, self.place)
        if not self.opens or end == len(self.items):
            raise UnreadableText(self.text)
        inside = self.items[self.place + 1 : end]
        self.place = end + 1
        return inside

    def source(self, inside: list[Token]) -> str:
        return self.text[inside[0].start : inside[-1].end] if inside else ""

    def conflict(self) -> str:
        return self.take().word.replace("abort", "") if self.accept("on", "conflict") else ""

    def column(self) -> Column:
        column = Column(name=self.name(), type=self.type())
        own = (Term(column=column.name, expression=spell(column.name)),)
        clauses: list[Clause] = []
        name = ""
        while self.place < len(self.items):
            if self.accept("constraint"):
                name = self.name()
                continue
            if self.accept("not", "null"):
                column = replace(column, notnull=True, notnull_conflict=self.conflict())
            elif self.accept("null"):
                self.conflict()
            elif self.accept("default"):
                column = replace(column, default=self.default())
            elif self.accept("collate"):
                column = replace(column, collation=self.name())
            elif self.accept("generated", "always", "as") or self.accept("as"):
                column = replace(column, generated=self.source(self.group()), stored=self.accept("stored"))
                self.accept("virtual")
            elif self.accept("primary", "key"):
                descending = not self.accept("asc") and self.accept("desc")
                clauses.append(Clause(
                    kind="primary_key", name=name, terms=own, descending=descending, conflict=self.conflict(),
                    autoincrement=self.accept("autoincrement"),
                ))  # fmt: skip
            elif self.accept("unique"):
                clauses.append(Clause(kind="unique", name=name, terms=own, conflict=self.conflict()))
            elif self.accept("check"):
                clauses.append(Clause(kind="check", name=name, text=self.source(self.group())))
            elif self.accept("references"):
                clauses.append(self.reference(name, own))
            elif self.word in ("not", "deferrable") and clauses and clauses[-1].kind == "foreign_key":
                clauses[-1] = replace(clauses[-1], deferred=self.deferred())
            else:
                raise UnreadableText(self.text)
            name = ""
        return replace(column, clauses=tuple(clauses))

    def type(self) -> str:
        first = self.place
        while self.place < len(self.items):
            token = self.items[self.place]
            if token.text == "(" and self.place > first:
                self.group()
                break
            if token.kind not in ("word", "quoted", "string") or token.word in _CLAUSES:
                break
            if self.comes("generated", "always", "as"):
                break
            self.place += 1
        return self.source(self.items[first : self.place])

    def default(self) -> str:
        first = self.place
        if self.opens:
            self.group()
        elif self.take().text in ("+", "-"):
            self.take()
        return self.source(self.items[first : self.place])

    def table_clauses(self) -> tuple[Clause, ...]:
        clauses: list[Clause] = []
        name = ""
        while self.place < len(self.items):
            if self.accept("constraint"):
                name = self.name()
                continue
            if self.accept("primary", "key"):
                inside = self.group()
                automatic = bool(inside) and inside[-1].word == "autoincrement"
                terms = _terms(inside[:-1] if automatic else inside)
                clauses.append(Clause(
                    kind="primary_key", name=name, terms=terms, autoincrement=automatic, conflict=self.conflict()
                ))  # fmt: skip
            elif self.accept("unique"):
                clauses.append(Clause(kind="unique", name=name, terms=_terms(self.group()), conflict=self.conflict()))
            elif self.accept("check"):
                clauses.append(Clause(kind="check", name=name, text=self.source(self.group())))
                self.conflict()
            elif self.accept("foreign", "key"):
                columns = _terms(self.group())
                if not self.accept("references"):
                    raise UnreadableText(self.text)
                clauses.append(self.reference(name, columns))
            else:
                raise UnreadableText(self.text)
            name = ""
        return tuple(clauses)

    def reference(self, name: str, columns: tuple[Term, ...]) -> Clause:
        parent = self.name()
        inside = self.group() if self.opens else []
        actions = {"delete": "", "update": "", "insert": ""}
        deferred = False
        while self.place < len(self.items):
            if self.accept("match"):
                self.name()
            elif self.accept("on"):
                event = self.take().word
                action = self.take().word
                actions[event] = f"{action} {self.take().word}" if action in ("set", "no") else action
            elif self.comes("deferrable") or self.comes("not", "deferrable"):
                deferred = self.deferred()
            else:
                break
        return Clause(
            kind="foreign_key", name=name, terms=columns, parent=parent,
            parent_columns=tuple(item.column for item in _terms(inside)),
            on_delete=actions["delete"].replace("no action", ""), on_update=actions["update"].replace("no action", ""),
            deferred=deferred,
        )  # fmt: skip

    def deferred(self) -> bool:
        never = self.accept("not")
        if not self.accept("deferrable"):
            raise UnreadableText(self.text)
        late = self.accept("initially") and self.take().word == "deferred"
        return late and not never


def _terms(items: list[Token]) -> tuple[Term, ...]:
    terms: list[Term] = []
    start = depth = 0
    for place, token in enumerate(items):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            terms.append(_term(items[start:place]))
            start = place + 1
    if start < len(items):
        terms.append(_term(items[start:]))
    return tuple(terms)


def folded(text: str, columns: frozenset[str]) -> str:
    """Return the normal form of an expression of a table with these (folded) columns."""
    return fold(text, columns) if '"' in text else fold(text)
