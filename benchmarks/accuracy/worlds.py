"""Databases to be: what happens to them in order, what is recorded, and what was found of one that was built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.accuracy.source import Source

Pair = tuple[str, str]
Name = tuple[str, str, str]


@dataclass(frozen=True)
class Run:
    """A migration runs: all of it, or its first statements."""

    migration: str
    upto: int | None = None


@dataclass(frozen=True)
class Sql:
    """Something that is no migration changes the schema: a person, the application, or an interrupted tool.

    ``cause`` is how the contract calls that where it shows.
    """

    statements: tuple[str, ...]
    cause: str = "manual-change"
    told: str = ""


Act = Run | Sql


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One database to be: what happens to it in order, what is recorded, and what must be found.

    ``source`` is the chain as it was applied, ``today`` as it is found, ``archived`` another chain beside it that was applied before.
    ``want`` are findings at warning or above, ``may`` others that are right too, ``either`` sets of findings of which one must be
    there. ``executed`` overrides what follows from the acts. ``after`` is what was done to the whole database in the end
    (``vacuum``, ``restore``), ``pace`` how the rows of the tracker lie in time. ``kinds`` are the faults that made it.
    """

    name: str
    source: Source
    acts: tuple[Act, ...]
    recorded: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    today: Source | None = None
    archived: Source | None = None
    checksums: bool = False
    application: bool = False
    after: str = ""
    pace: str = "slow"
    want: frozenset[Pair] = frozenset()
    may: frozenset[Pair] = frozenset()
    either: tuple[frozenset[Pair], ...] = ()
    executed: dict[str, frozenset[str]] = field(default_factory=dict, hash=False)
    tied: bool = False
    before: tuple[str, str | None] | None = None

    @cached_property
    def place(self) -> dict[str, int]:
        """The place of each migration in the chain."""
        return {name: at for at, name in enumerate(self.source.ids)}

    def without(self, act: Act) -> tuple[Act, ...]:
        """Return the acts without one of them."""
        return tuple(item for item in self.acts if item is not act)

    def toggled(self, wanted: dict[str, bool]) -> tuple[Act, ...]:
        """Return the acts with some migrations run whole, at their place, or not at all."""
        acts = self.acts
        for name, runs in wanted.items():
            found = (at for at, act in enumerate(acts) if isinstance(act, Run) and act.migration == name)
            place = next(found, None)
            acts = tuple(act for act in acts if not (isinstance(act, Run) and act.migration == name))
            if place is None:
                later = (
                    at for at, act in enumerate(acts) if isinstance(act, Run) and self.place[act.migration] > self.place[name]
                )
                place = next(later, len(acts))
            acts = (*acts[:place], Run(name), *acts[place:]) if runs else acts
        return acts


@dataclass(frozen=True, kw_only=True, eq=False)
class Built:
    """How a database came out: the error of each act, whether it left anything, and what there is.

    ``objects`` is the meaning of the schema, ``text`` what the catalogue holds of it to the letter, ``physical`` what counts
    beside it (SQLite's schema cookie, the slots of PostgreSQL's columns).
    """

    acts: tuple[Act, ...]
    errors: tuple[str, ...]
    changed: tuple[bool, ...]
    objects: dict[Name, object]
    text: object
    physical: object

    @property
    def works(self) -> bool:
        """Whether no act fails that was not stopped on purpose."""
        return not any(map(real, self.errors))

    def tables(self) -> list[str]:
        """Return the names of the tables, in a fixed order."""
        return sorted(name for kind, _table, name in self.objects if kind == "table")

    def like(self, other: Built) -> bool:
        """Whether the catalogues of two databases are the same to the letter."""
        return self.text == other.text

    def same(self, other: Built) -> bool:
        """Whether nothing at all tells two databases apart."""
        return self.text == other.text and self.physical == other.physical

    def differs(self, other: Built) -> set[Name]:
        """Return the objects in which two databases differ."""
        names = self.objects.keys() | other.objects.keys()
        return {name for name in names if self.objects.get(name) != other.objects.get(name)}


@dataclass(frozen=True, eq=False)
class Fault:
    """One thing that goes wrong: from a database to be, another one; None where it cannot happen to that one.

    ``places`` are the migrations that it is about: two faults about one migration are not combined.
    """

    kind: str
    label: str
    apply: Callable[[Plant], Plant | None]
    places: frozenset[str] = frozenset()
    alone: bool = False


def real(error: str) -> bool:
    """Whether an error is one, and not a stop on purpose."""
    return bool(error) and error != "interrupted"


def clean(source: Source) -> Plant:
    """A database to which nothing happened but the chain."""
    return Plant(name=source.name, source=source, acts=tuple(map(Run, source.ids)), recorded=source.ids)


def known(act: Act) -> str:
    """Return which migration an act runs; nothing where it runs none."""
    return act.migration if isinstance(act, Run) else ""
