"""SQLite databases in memory, built as the tools would build them, and what there is in them, read without the toolkit."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.accuracy.building import Site, Stop, module, operations
from benchmarks.accuracy.moments import moments
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.splitting import pieces
from benchmarks.accuracy.worlds import Act, Name, Plant, Sql

TRACKER = (
    "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT NOT NULL, applied_at TIMESTAMP, "
    "description TEXT, checksum TEXT)"
)
ALEMBIC = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)
OWN = ("schema_versions", "alembic_version")


class Interrupted(Stop, sqlite3.OperationalError):
    """The run was to end here; migrations see an error of their driver."""


class Recording(sqlite3.Connection):
    """A connection that stops after some statements."""

    left: int | None = None

    def count(self, sql: str) -> None:
        """Count a statement that does something; raise where it is one too many."""
        if self.left is None or sql.lstrip()[:6].casefold() in ("select", "pragma"):
            return
        if self.left <= 0:
            raise Interrupted("interrupted")
        self.left -= 1

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        """Execute a statement that is counted."""
        self.count(sql)
        return super().execute(sql, *rest)

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor whose statements are counted."""
        return super().cursor(factory or Counting)


class Counting(sqlite3.Cursor):
    """A cursor of such a connection."""

    def execute(self, sql: str, *rest: Any) -> Counting:
        """Execute a statement that is counted."""
        home = self.connection
        assert isinstance(home, Recording)
        home.count(sql)
        super().execute(sql, *rest)
        return self


class SqliteSite(Site):
    """One connection in memory, on which one database is built after the other."""

    dialect = "sqlite"

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", factory=Recording, check_same_thread=False)
        self._marks: dict[int, tuple[sqlite3.Connection, int]] = {}
        self._empty = sqlite3.connect(":memory:")
        self._engine: Any = None
        self._settled = False

    def close(self) -> None:
        """Close the connection."""
        if self._engine is not None:
            self._engine.dispose()
        self._forget()
        self._empty.close()
        self.connection.close()

    def begin(self, source: Source) -> None:
        """Start with nothing but the tracker's empty table."""
        self._forget()
        self._settled = source.tool == "alembic"
        self._return(self._empty, 0)
        self.connection.execute(ALEMBIC if source.tool == "alembic" else TRACKER)
        self.connection.commit()

    def mark(self, at: int) -> None:
        """Remember the state before an act."""
        copy = sqlite3.connect(":memory:")
        self.connection.backup(copy)
        self._marks[at] = (copy, self._cookie())

    def back(self, at: int) -> None:
        """Return to the state before an act."""
        self._return(*self._marks[at])

    def _return(self, copy: sqlite3.Connection, cookie: int) -> None:
        copy.backup(self.connection)  # which sets a cookie of its own
        sqlite3.Connection.execute(self.connection, f"PRAGMA schema_version = {cookie}")

    def _cookie(self) -> int:
        return int(sqlite3.Connection.execute(self.connection, "PRAGMA schema_version").fetchone()[0])

    def _forget(self) -> None:
        for copy, _cookie in self._marks.values():
            copy.close()
        self._marks.clear()

    def perform(self, source: Source, act: Act) -> str:
        """Do it; return the error, ``interrupted`` where it was stopped, or nothing."""
        connection = self.connection
        for setting in ("foreign_keys", "legacy_alter_table"):  # each run has a connection of its own
            sqlite3.Connection.execute(connection, f"PRAGMA {setting} = OFF")
        try:
            if isinstance(act, Sql):
                for statement in act.statements:
                    connection.execute(statement)
                connection.commit()
                return ""
            file = source.by_id[act.migration]
            if file.endswith(".sql"):
                return self._script(pieces(source.files[file], "sqlite"), act.upto)
            connection.left = act.upto
            self._python(source, file)
            return ""
        except Exception as error:  # migrations fail in every way that there is
            return "interrupted" if isinstance(error, Stop) or "interrupted" in str(error) else str(error) or type(error).__name__
        finally:
            connection.left = None
            if connection.in_transaction:
                connection.rollback()

    def _script(self, every: list[str], upto: int | None) -> str:
        connection = self.connection
        level, connection.isolation_level = connection.isolation_level, None
        try:
            for piece in every if upto is None else every[:upto]:
                sqlite3.Connection.execute(connection, piece).fetchall()
        finally:
            connection.isolation_level = level
        return "" if upto is None or upto >= len(every) else "interrupted"

    def _python(self, source: Source, file: str) -> None:
        made = module(source, file)
        if source.tool != "alembic":
            made.upgrade(self.connection)
            self.connection.commit()
            return
        with self._sqlalchemy().connect() as opened, operations(opened):
            made.upgrade()

    def _sqlalchemy(self) -> Any:
        if self._engine is None:
            import sqlalchemy
            from sqlalchemy.pool import StaticPool

            self._engine = sqlalchemy.create_engine("sqlite://", creator=lambda: self.connection, poolclass=StaticPool)
        return self._engine

    def read(self) -> tuple[dict[Name, object], Any, Any]:
        """Return the objects, the text and the schema cookie."""
        rows = self.connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
        text = [(*row[:3], sorted(line.strip(" \t,") for line in (row[3] or "").splitlines())) for row in rows]
        if self._settled:  # Alembic's batch mode makes indexes again in an order that is not settled
            text.sort()
        return objects(self.connection), text, self._cookie()

    def stand(self) -> object:
        """Return the rows of the catalogue."""
        return self.stored()

    def stored(self) -> list[tuple[str, str, str, str]]:
        """Return the rows of the catalogue of what was built last."""
        return self.connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()

    def script(self, source: Source, acts: Sequence[Act]) -> tuple[str, ...] | None:
        """Return the statements that make what some acts build, all at once."""
        self.build(source, acts)
        rows = [row for row in self.stored() if row[2] not in OWN and not row[1].startswith("sqlite_")]
        rows.sort(key=lambda row: (row[0] != "table", row[0] == "view"))
        return tuple(row[3] for row in rows)

    @contextmanager
    def realised(self, plant: Plant) -> Iterator[Any]:
        """Build a database with its tracker, and yield a reader of the toolkit for it."""
        from forensics.catalogs.sqlite import SqliteReader

        with self.raw(plant) as connection:
            yield SqliteReader(connection)

    @contextmanager
    def raw(self, plant: Plant) -> Iterator[sqlite3.Connection]:
        """Build a database with its tracker, and yield the connection."""
        chain = plant.archived or plant.source
        self.begin(chain)
        for act in plant.acts:
            self.perform(chain, act)
        record(plant, self.connection)
        if plant.after != "restore":
            if plant.after == "vacuum":
                level, self.connection.isolation_level = self.connection.isolation_level, None
                self.connection.execute("VACUUM")
                self.connection.isolation_level = level
            yield self.connection
            return
        copy = sqlite3.connect(":memory:")
        try:
            copy.executescript("\n".join(self.connection.iterdump()))
            yield copy
        finally:
            copy.close()


def record(plant: Plant, connection: sqlite3.Connection) -> None:
    """Write what is recorded into the tracker."""
    chain = plant.archived or plant.source
    if chain.tool == "alembic":
        for name in chain.heads(plant.recorded):
            connection.execute("INSERT INTO alembic_version VALUES (?)", (name,))
    else:
        for name, at in zip(plant.recorded, moments(plant), strict=True):
            text = chain.text(name) if name in chain.by_id else ""
            connection.execute(
                "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, '', ?)",
                (chain.version(name), at, hashlib.md5(text.encode()).hexdigest() if plant.checksums else ""),
            )
    connection.commit()


def objects(connection: sqlite3.Connection) -> dict[Name, object]:
    """Return the meaning of a schema, object by object."""
    found: dict[Name, object] = {}
    for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall():
        if name.startswith("sqlite_") or table in OWN:
            continue
        bare = re.sub(r"[\s\"'`;\[\]]+|if not exists", "", sql or "", flags=re.I).casefold()
        if kind != "table":
            found[kind, table if kind != "view" else "", name] = bare
            continue

        def ask(pragma: str, of: str) -> list[Any]:
            return connection.execute(f"SELECT * FROM pragma_{pragma}(?)", (of,)).fetchall()

        found["table", "", name] = ("withoutrowid" in bare, "autoincrement" in bare)
        for row in ask("table_xinfo", name):
            found["column", name, row[1]] = row[2:7]
        for row in ask("foreign_key_list", name):
            found["foreign_key", name, f"{row[3]}:{row[0]}"] = row[2:8]
        for row in ask("index_list", name):
            if row[3] != "c":
                columns = [part[2] for part in ask("index_xinfo", row[1]) if part[5]]
                found["unique" if row[3] == "u" else "primary_key", name, ",".join(map(str, columns))] = row[2:]
        for number, check in enumerate(sorted(re.findall(r"check\(.*?(?=,\w|\)$|check\()", bare))):
            found["check", name, str(number)] = check
        for number, said in enumerate(sorted(re.findall(r"collate(?:nocase|rtrim|binary)", bare))):
            found["collation", name, str(number)] = said
    return found
