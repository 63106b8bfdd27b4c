"""Databases to be: what happens to them in order, and the building of them in memory, as the tools would."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import rebuild
from fault_chains import Source

Pair = tuple[str, str]
TRACKER = (
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, applied_at TIMESTAMP, "
    "description TEXT, checksum TEXT)"
)
ALEMBIC = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


class Stop(sqlite3.OperationalError):
    """The run was to end here."""


@dataclass(frozen=True)
class Run:
    """A migration runs: all of it, or its first statements."""

    migration: str
    upto: int | None = None


@dataclass(frozen=True)
class Sql:
    """Something that is no migration changes the schema."""

    statements: tuple[str, ...]


Act = Run | Sql


@dataclass(frozen=True, kw_only=True)
class Plant:
    """One database to be: what happens to it in order, what is recorded, and what must be found.

    ``source`` is the chain as it was applied, ``today`` as it is found. ``want`` are findings at warning or above, ``may`` others
    that are right too. ``either`` are sets of findings of which one must be there. ``executed`` overrides what follows from the acts.
    """

    name: str
    source: Source
    acts: tuple[Act, ...]
    recorded: tuple[str, ...]
    today: Source | None = None
    checksums: bool = False
    application: bool = False
    vacuum: bool = False
    want: frozenset[Pair] = frozenset()
    may: frozenset[Pair] = frozenset()
    either: tuple[frozenset[Pair], ...] = ()
    executed: dict[str, frozenset[str]] = field(default_factory=dict)
    tied: bool = False
    before: tuple[str, str | None] | None = None


@dataclass
class Built:
    """A database that was built, and how each act went: its error, and whether it left anything."""

    connection: sqlite3.Connection
    acts: tuple[Act, ...]
    errors: list[str]
    changed: list[bool]
    settled: bool = False

    def master(self, *, cookie: bool = True) -> tuple[Any, ...]:
        """Everything that the schema can testify to."""
        rows = self.connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
        text = [(*row[:3], sorted(line.strip(" \t,") for line in (row[3] or "").splitlines())) for row in rows]
        if self.settled:  # Alembic's batch mode makes indexes again in an order that is not settled
            text.sort()
        count = self.connection.execute("PRAGMA schema_version").fetchone()[0] if cookie else 0
        return (text, count)


def pieces(script: str) -> list[str]:
    """Split a script into its statements."""
    return [piece.strip() for piece in rebuild.pieces(script)]


class Recording(sqlite3.Connection):
    """A connection that stops after some statements."""

    left: int | None = None

    def count(self, sql: str) -> None:
        if self.left is None or sql.lstrip()[:6].casefold() in ("select", "pragma"):
            return
        if self.left <= 0:
            raise Stop("interrupted")
        self.left -= 1

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self.count(sql)
        return super().execute(sql, *rest)

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or Counting)


class Counting(sqlite3.Cursor):
    """A cursor of such a connection."""

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        home = self.connection
        assert isinstance(home, Recording)
        home.count(sql)
        return super().execute(sql, *rest)


@contextlib.contextmanager
def built(plant: Plant) -> Iterator[Built]:
    """Build the database of a plant in memory."""
    connection = sqlite3.connect(":memory:", factory=Recording, check_same_thread=False)
    alembic = plant.source.tool == "alembic"
    engine = None
    try:
        connection.execute(ALEMBIC if alembic else TRACKER)
        connection.commit()
        if alembic:
            import sqlalchemy
            from sqlalchemy.pool import StaticPool

            engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        made = Built(connection, plant.acts, [], [], alembic)
        for act in plant.acts:
            before = made.master(cookie=False)
            made.errors.append(_perform(plant.source, act, connection, engine))
            made.changed.append(made.master(cookie=False) != before)
        _record(plant, connection)
        if plant.vacuum:
            connection.isolation_level = None
            connection.execute("VACUUM")
        yield made
    finally:
        if engine is not None:
            engine.dispose()
        connection.close()


def _perform(source: Source, act: Act, connection: Recording, engine: Any) -> str:
    try:
        if isinstance(act, Sql):
            for statement in act.statements:
                connection.execute(statement)
            connection.commit()
            return ""
        file = source.by_id[act.migration]
        text = source.files[file]
        if file.endswith(".sql"):
            every = pieces(text)
            level, connection.isolation_level = connection.isolation_level, None
            try:
                for piece in every if act.upto is None else every[: act.upto]:
                    sqlite3.Connection.execute(connection, piece).fetchall()
            finally:
                connection.isolation_level = level
            return "" if act.upto is None or act.upto >= len(every) else "interrupted"
        connection.left = act.upto
        _python(text, file, connection, engine)
        return ""
    except Exception as error:
        return str(error) or type(error).__name__
    finally:
        connection.left = None
        if connection.in_transaction:
            connection.rollback()


def _python(text: str, file: str, connection: Recording, engine: Any) -> None:
    module = types.ModuleType("migration")
    exec(compile(text, file, "exec"), module.__dict__)
    if engine is None:
        module.upgrade(connection)
        connection.commit()
        return
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    with engine.connect() as opened:
        context = MigrationContext.configure(opened)
        with Operations.context(context), context.begin_transaction(_per_migration=True):
            module.upgrade()


def _record(plant: Plant, connection: sqlite3.Connection) -> None:
    if plant.source.tool == "alembic":
        for name in plant.recorded[-1:]:
            connection.execute("INSERT INTO alembic_version VALUES (?)", (name,))
    else:
        at = datetime(2026, 3, 1, 8, tzinfo=UTC)
        for place, name in enumerate(plant.recorded):
            text = plant.source.files[plant.source.by_id[name]] if name in plant.source.by_id else ""
            connection.execute(
                "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, '', ?)",
                (
                    name.partition("_")[0],
                    f"{at + timedelta(hours=7 * place, seconds=13 * place):%Y-%m-%d %H:%M:%S}",
                    hashlib.md5(text.encode()).hexdigest() if plant.checksums else "",
                ),
            )
    connection.commit()
