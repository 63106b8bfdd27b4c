"""Building databases: the same for both dialects. A dialect has a `Site`, which runs acts and says what is there."""

from __future__ import annotations

import sys
import types
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.accuracy.source import Source
from benchmarks.accuracy.worlds import Act, Built, Name, Plant, Run, real


class Stop(Exception):
    """The run was to end here."""


class Site(ABC):
    """Where databases are built, one after the other, and variants of one from the act in which they differ."""

    dialect: str

    @abstractmethod
    def begin(self, source: Source) -> None:
        """Start with nothing but the tracker's empty table."""

    @abstractmethod
    def mark(self, at: int) -> None:
        """Remember the state before an act."""

    @abstractmethod
    def back(self, at: int) -> None:
        """Return to the state before an act."""

    @abstractmethod
    def perform(self, source: Source, act: Act) -> str:
        """Do it; return the error, ``interrupted`` where it was stopped, or nothing."""

    @abstractmethod
    def read(self) -> tuple[dict[Name, object], Any, Any]:
        """Return the objects, the text and the physical side of what is there."""

    @abstractmethod
    def stand(self) -> object:
        """Return the catalogue as it is, for comparison."""

    def script(self, source: Source, acts: Sequence[Act]) -> tuple[str, ...] | None:
        """Return the statements that make what some acts build, all at once; None where this dialect cannot tell."""
        return None

    @abstractmethod
    def realised(self, plant: Plant) -> Any:
        """Return a context manager: the database itself, with its tracker, as a reader of the toolkit."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back."""

    def build(self, source: Source, acts: Sequence[Act]) -> Built:
        """Build one database."""
        return next(self.variants(source, acts, ()))

    def variants(self, source: Source, acts: Sequence[Act], others: Sequence[Sequence[Act]]) -> Iterator[Built]:
        """Yield a database, and then each of its variants in the order given."""
        self.begin(source)
        errors: list[str] = []
        changed: list[bool] = []
        for at, act in enumerate(acts):
            self.mark(at)
            self._step(source, act, errors, changed)
        self.mark(len(acts))
        main = self._built(acts, errors, changed)
        starts = [_parting(acts, other) for other in others]
        found: dict[int, Built] = {}
        for number in sorted(range(len(others)), key=lambda item: -starts[item]):
            place, other = starts[number], others[number]
            self.back(place)
            own, left = errors[:place], changed[:place]
            for act in other[place:]:
                self._step(source, act, own, left)
            found[number] = self._built(other, own, left)
            self.back(place)
        yield main
        yield from (found[number] for number in range(len(others)))

    def _step(self, source: Source, act: Act, errors: list[str], changed: list[bool]) -> None:
        watched = isinstance(act, Run) and (act.upto is not None or self.dialect == "sqlite")
        # What a failing act leaves is told from the catalogue before and after it.
        before = self.stand() if watched else None
        error = self.perform(source, act)
        errors.append(error)
        changed.append(self.stand() != before if watched and error else not real(error))

    def _built(self, acts: Sequence[Act], errors: Sequence[str], changed: Sequence[bool]) -> Built:
        objects, text, physical = self.read()
        return Built(
            acts=tuple(acts), errors=tuple(errors), changed=tuple(changed), objects=objects, text=text, physical=physical
        )


def _parting(one: Sequence[Act], other: Sequence[Act]) -> int:
    place = 0
    while place < min(len(one), len(other)) and one[place] == other[place]:
        place += 1
    return place


def module(source: Source, file: str) -> types.ModuleType:
    """Return the module of a migration in Python; what it imports is looked for where a case file would say (`sys_path`)."""
    made = types.ModuleType("migration")
    made.__file__ = file
    paths = source.hints.get("sys_path", ())
    before, sys.path[:0] = list(sys.path), map(str, paths if isinstance(paths, tuple) else ())
    try:
        exec(compile(source.files[file], file, "exec"), made.__dict__)
    finally:
        sys.path[:] = before
    return made


@contextmanager
def operations(connection: Any) -> Iterator[None]:
    """Have ``op`` of Alembic work on a connection of SQLAlchemy, in a transaction of its own."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    context = MigrationContext.configure(connection)
    with Operations.context(context), context.begin_transaction(_per_migration=True):
        yield
