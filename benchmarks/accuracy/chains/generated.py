"""Chains made at random: each migration is valid after all the earlier ones. The same seed gives the same chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from benchmarks.accuracy.chains.phrasing import Phrases, phrases
from benchmarks.accuracy.source import Source, alembic, numbered

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

KINDS = ("integer", "text", "filled", "real", "flag")


@dataclass
class Table:
    """What a chain has made of a table so far: its columns with their kinds, and what hangs on it by name."""

    columns: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)
    uniques: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    referred: bool = False
    refers: bool = False


class Writer:
    """Writes migrations one after the other and remembers what they make."""

    def __init__(self, random: Random, words: Phrases) -> None:
        self._random, self._words = random, words
        self.tables: dict[str, Table] = {}
        self._gone: list[str] = []
        self._number = 0

    def migration(self) -> list[str]:
        """Return the lines of one migration."""
        lines: list[str] = []
        for _part in range(self._random.choice((1, 1, 1, 2, 3))):
            lines += self._change()
        return lines

    def _fresh(self, word: str) -> str:
        self._number += 1
        return f"{word}{self._number}"

    def _change(self) -> list[str]:
        free = sorted(self.tables)
        if len(free) < 2 or self._random.random() < 0.2:
            return self._create()
        name = self._random.choice(free)
        changes = (
            (self._add, 26), (self._index, 14), (self._rename_column, 6), (self._drop_column, 7), (self._retype, 6),
            (self._rename_table, 4), (self._drop_table, 5), (self._rebuild, 6), (self._unique, 5), (self._view, 4),
            (self._trigger, 3), (self._data, 7), (self._drop_index, 6), (self._conditional, 5), (self._default, 4), (self._nothing, 1),
        )  # fmt: skip
        chosen = self._random.choices([change for change, _weight in changes], [weight for _change, weight in changes])[0]
        return chosen(name)

    def _create(self) -> list[str]:
        again = self._gone and self._random.random() < 0.3
        name = self._gone.pop(self._random.randrange(len(self._gone))) if again else self._fresh("t")
        table = self.tables[name] = Table()
        for _column in range(self._random.randint(1, 4)):
            table.columns[self._fresh("c")] = self._random.choice(KINDS)
        target = self._random.choice(sorted(self.tables)) if self._random.random() < 0.25 else ""
        target = "" if target == name else target
        if target:
            self.tables[target].referred = table.refers = True
        return self._words.create(name, table.columns, target, permissive=self._random.random() < 0.25)

    def _add(self, name: str) -> list[str]:
        column, kind = self._fresh("c"), self._random.choice(KINDS)
        self.tables[name].columns[column] = kind
        return self._words.add(name, column, kind)

    def _conditional(self, name: str) -> list[str]:
        column, kind = self._fresh("c"), self._random.choice(KINDS)
        self.tables[name].columns[column] = kind
        return self._words.add_if_missing(name, column, kind)

    def _index(self, name: str) -> list[str]:
        index = self._fresh("ix")
        self.tables[name].indexes.append(index)
        return self._words.index(index, name, self._random.choice(list(self.tables[name].columns)), partly=self._random.random() < 0.3)

    def _drop_index(self, name: str) -> list[str]:
        table = self.tables[name]
        if not table.indexes:
            return self._index(name)
        return self._words.drop_index(table.indexes.pop(), name)

    def _unique(self, name: str) -> list[str]:
        table = self.tables[name]
        if table.views:
            return self._add(name)
        column, constraint = self._random.choice(list(table.columns)), self._fresh("uq")
        if not self._words.batches:
            table.indexes.append(constraint)
        else:
            table.uniques.append(column)
        return self._words.unique(constraint, name, column)

    def _rename_column(self, name: str) -> list[str]:
        table = self.tables[name]
        free = [column for column in table.columns if column not in table.uniques]
        if table.views or table.triggers or not free:
            return self._add(name)
        old, new = self._random.choice(free), self._fresh("c")
        table.columns = {new if column == old else column: kind for column, kind in table.columns.items()}
        return self._words.rename_column(name, old, new, table.columns[new])

    def _drop_column(self, name: str) -> list[str]:
        table = self.tables[name]
        if len(table.columns) < 2 or table.indexes or table.views or table.triggers or table.uniques:
            return self._data(name)
        column = list(table.columns)[-1]
        del table.columns[column]
        return self._words.drop_column(name, column)

    def _retype(self, name: str) -> list[str]:
        table = self.tables[name]
        texts = [column for column, kind in table.columns.items() if kind == "text"]
        if table.views or table.triggers or not texts or not self._words.retypes:
            return self._add(name)
        return self._words.retype(name, self._random.choice(texts), self._random.choice((20, 40, 80)))

    def _default(self, name: str) -> list[str]:
        table = self.tables[name]
        texts = [column for column, kind in table.columns.items() if kind == "text"]
        if table.views or table.triggers or not texts or not self._words.retypes:
            return self._index(name)
        return self._words.default(name, self._random.choice(texts), self._random.choice(("a", "b", "c")))

    def _rename_table(self, name: str) -> list[str]:
        table = self.tables[name]
        if table.views or table.triggers or (self._words.batches and (table.referred or table.refers)):
            return self._data(name)
        new = self._fresh("t")
        self.tables[new] = self.tables.pop(name)
        self._gone.append(name)
        return self._words.rename_table(name, new)

    def _drop_table(self, name: str) -> list[str]:
        table = self.tables[name]
        if len(self.tables) < 4 or table.referred or table.views:
            return self._data(name)
        del self.tables[name]
        self._gone.append(name)
        return self._words.drop_table(name)

    def _rebuild(self, name: str) -> list[str]:
        table = self.tables[name]
        if table.views or table.triggers or table.uniques or table.referred or not self._words.rebuilds:
            return self._unique(name)
        extra = self._fresh("c")
        before = dict(table.columns)
        table.columns[extra] = "integer"
        indexes, table.indexes = table.indexes, []
        lines = self._words.rebuild(name, before, extra)
        for _index in indexes:
            lines += self._index(name)
        return lines

    def _view(self, name: str) -> list[str]:
        view = self._fresh("v")
        self.tables[name].views.append(view)
        return self._words.view(view, name, self._random.choice(list(self.tables[name].columns)))

    def _trigger(self, name: str) -> list[str]:
        if not self._words.triggers:
            return self._add(name)
        trigger = self._fresh("tr")
        self.tables[name].triggers.append(trigger)
        return self._words.trigger(trigger, name)

    def _data(self, name: str) -> list[str]:
        return self._words.insert(name, self._random.randint(1, 10**6))

    def _nothing(self, name: str) -> list[str]:
        return []


def generated(seed: int, length: int, *, dialect: str = "sqlite", tool: str = "numbered") -> Source:
    """Return a chain of some length; Alembic's has branches that are merged again."""
    random = Random(f"{seed} {dialect} {tool}")
    words = phrases(dialect, tool)
    writer = Writer(random, words)
    bodies: list[str] = []
    parents: dict[int, tuple[int, ...]] = {}
    number = 0
    while len(bodies) < length:
        number = len(bodies) + 1
        branching = tool == "alembic" and number > 4 and length - number > 4 and random.random() < 0.06
        if branching:  # a branch of two beside a branch of one, and what merges them; the order here is a valid one
            bodies += [words.body(writer.migration()) for _ in range(2)]
            bodies.append(words.body(words.apart(writer, random)))
            bodies.append(words.body([]))
            parents |= {number + 2: (number - 1,), number + 3: (number + 1, number + 2)}
            continue
        bodies.append(words.body(writer.migration()))
    name = f"random-{dialect}-{tool}-{seed}-{length}"
    if tool == "alembic":
        return alembic(name, *bodies, dialect=dialect, parents=parents)
    steps = [words.step(body) for body in bodies]
    return numbered(name, *steps, dialect=dialect, hints=words.hints)


def chains(dialect: str, tool: str, longest: int = 40) -> SearchStrategy[Source]:
    """Return a strategy of hypothesis for such chains."""
    from hypothesis import strategies

    def made(seed: int, length: int) -> Source:
        return generated(seed, length, dialect=dialect, tool=tool)

    return strategies.builds(made, strategies.integers(0, 10**6), strategies.integers(1, longest))
