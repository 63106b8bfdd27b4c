"""SQLite's grammar of columns and constraints, read token by token.

The texts have been accepted by SQLite, so they follow its grammar (https://sqlite.org/lang_createtable.html and
``parse.y``); what does not raises `UnreadableText`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from forensics.catalogs.sqlite_expressions import expression
from forensics.sqltext import Token, closing, join, name_key, spell, tokens, unquote, unwrapped

_COLUMN_CLAUSES = "as check collate constraint default deferrable not null on primary references unique"
_CLAUSES = frozenset(_COLUMN_CLAUSES.split())


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
    """One constraint as it is written.

    ``kind`` is a kind of `SchemaObject`; ``text`` is a check's expression. The constraint of a single column has no
    ``terms``; ``descending`` is only said there.
    """

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
    """What is written after a column's name; ``default`` and ``generated`` are the texts of their expressions."""

    type: str = ""
    notnull: bool = False
    notnull_conflict: str = ""
    default: str | None = None
    collation: str = ""
    generated: str | None = None
    stored: bool = False
    clauses: tuple[Clause, ...] = ()


def read_column(text: str) -> Column:
    """Read what follows a column's name."""
    return _Parser(text).column()


def read_table_clauses(piece: str) -> tuple[Clause, ...]:
    """Read the table constraints that stand in one piece, usually one."""
    return _Parser(piece).table_clauses()


def read_term(items: list[Token]) -> Term:
    """Read one column or expression of a key or an index."""
    if not items:
        raise UnreadableText("nothing between two commas")
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
    text = spell(name) if name else expression(join(items))
    return Term(column=name, expression=text, collation=collation, descending=descending)


class _Parser:
    """Reads one piece, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.items = tokens(text)
        self.words = [token.text.lower() if token.kind == "word" else "" for token in self.items]
        self.place = 0

    @property
    def word(self) -> str:
        return self.words[self.place] if self.place < len(self.words) else ""

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
        return tuple(self.words[self.place : self.place + len(words)]) == words

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
        return self.take().word.replace("abort", "") if self.word == "on" and self.accept("on", "conflict") else ""

    def column(self) -> Column:
        said: dict[str, Any] = {"type": self.type()}
        clauses: list[Clause] = []
        name = ""
        while self.place < len(self.items):
            word = self.word
            if word == "constraint":
                self.place += 1
                name = self.name()
                continue
            if word in ("not", "deferrable") and not self.comes("not", "null"):
                if not clauses or clauses[-1].kind != "foreign_key":
                    raise UnreadableText(self.text)
                clauses[-1] = replace(clauses[-1], deferred=self.deferred())
            elif word in ("check", "primary", "references", "unique"):
                clauses.append(self.column_clause(word, name))
            else:
                self.column_attribute(word, said)
            name = ""
        return Column(clauses=tuple(clauses), **said)

    def column_clause(self, word: str, name: str) -> Clause:
        self.place += 1
        if word == "references":
            return self.reference(name, ())
        if word == "check":
            return Clause(kind="check", name=name, text=self.source(self.group()))
        if word == "unique":
            return Clause(kind="unique", name=name, conflict=self.conflict())
        if not self.accept("key"):
            raise UnreadableText(self.text)
        descending = not self.accept("asc") and self.accept("desc")
        conflict = self.conflict()
        return Clause(
            kind="primary_key", name=name, descending=descending, conflict=conflict,
            autoincrement=self.accept("autoincrement"),
        )  # fmt: skip

    def column_attribute(self, word: str, said: dict[str, Any]) -> None:
        self.place += 1
        if word == "not":
            self.place += 1
            said.update(notnull=True, notnull_conflict=self.conflict())
        elif word == "null":
            self.conflict()
        elif word == "default":
            said["default"] = self.default()
        elif word == "collate":
            said["collation"] = self.name()
        elif word == "as" or (word == "generated" and self.accept("always", "as")):
            said.update(generated=self.source(self.group()), stored=self.accept("stored"))
            self.accept("virtual")
        else:
            raise UnreadableText(self.text)

    def type(self) -> str:
        first = self.place
        while self.place < len(self.items):
            token = self.items[self.place]
            if token.text == "(" and self.place > first:
                self.group()
                break
            if token.kind not in ("word", "quoted", "string") or self.word in _CLAUSES:
                break
            if self.word == "generated" and self.comes("generated", "always", "as"):
                break
            self.place += 1
        found = self.items[first : self.place]
        text = self.source(found)
        for token in reversed(found):
            if token.kind in ("quoted", "string"):  # SQLite takes the quotes off: "INTEGER" is INTEGER
                start = token.start - found[0].start
                text = text[:start] + unquote(token.text) + text[start + len(token.text) :]
        return text

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
            parent_columns=tuple([
                unquote(token.text)
                for place, token in enumerate(inside)
                if place == 0 or inside[place - 1].text == ","
            ]),
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
            terms.append(read_term(items[start:place]))
            start = place + 1
    if start < len(items):
        terms.append(read_term(items[start:]))
    return tuple(terms)
