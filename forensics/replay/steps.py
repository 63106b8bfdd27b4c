"""What can be replayed, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics.model import Migration


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMigration:
    """Run the forward part of one migration, as its text stands in ``migration.content``.

    ``upto`` stops the run as if the statement after the first ``upto`` had failed and nothing had been able to clean up
    after it: only the end of a transaction is still executed. None runs all of it.
    """

    migration: Migration
    upto: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatements:
    """A change from outside: statements executed one by one, each committed by itself, up to the first that fails."""

    statements: tuple[str, ...]


Step = RunMigration | RunStatements


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One executed statement. ``parameters`` are JSON-able (bytes as ``{"hex": ...}``); ``omitted`` counts the rows of
    parameters that were left out. ``ddl`` says whether it changed the schema.
    """

    sql: str
    parameters: Any = None
    ddl: bool = False
    omitted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Something that a migration tried and that a replay does not let it do.

    ``kind`` is ``connect``, ``attach``, ``process``, ``file`` or ``network``; ``place`` is ``file:line``.
    """

    kind: str
    target: str
    message: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one step did.

    ``statements`` are those that succeeded and could change something, in order: their numbers count from 1. ``total``
    is how many there are in all, where that is known. ``failed`` is the statement that failed, ``error`` its message
    (or that of the Python error), ``place`` where in the file, ``failure`` what sort it is: ``sql``, ``python``,
    ``load``, ``timeout``, ``died``, ``untrusted`` or empty. ``hint`` says which hint of the case file would help.
    ``stopped`` means that it ended where ``upto`` asked.
    """

    before: str
    state: str
    statements: tuple[Statement, ...] = ()
    total: int | None = None
    failed: str | None = None
    error: str | None = None
    attempts: tuple[Attempt, ...] = ()
    place: str = ""
    failure: str = ""
    hint: str = ""
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether the step ran to its end."""
        return self.error is None and not self.stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What ``env.py`` would pass to ``configure()``, run dry: names and values, or why it could not be run."""

    arguments: tuple[tuple[str, Any], ...] = ()
    error: str = ""
    attempts: tuple[Attempt, ...] = ()
