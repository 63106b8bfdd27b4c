"""PostgreSQL databases on a private server: built for comparison in one transaction, built for diagnosis as tools would."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.accuracy.building import Site, module
from benchmarks.accuracy.moments import moments
from benchmarks.accuracy.source import Source
from benchmarks.accuracy.splitting import pieces
from benchmarks.accuracy.worlds import Act, Name, Plant, Run, Sql, known

TRACKER = (
    "CREATE TABLE schema_versions (id serial PRIMARY KEY, version text NOT NULL, applied_at timestamp, description text, "
    "checksum text)"
)
ALEMBIC = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
SCHEMAS = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
CATALOGUE = f"""
WITH spaces AS (SELECT oid, nspname FROM pg_namespace WHERE nspname {SCHEMAS} AND nspname !~ '^pg_'),
own AS (SELECT c.*, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END || relname AS called FROM pg_class c
        JOIN spaces s ON s.oid = c.relnamespace WHERE relname NOT IN ('schema_versions', 'alembic_version'))
SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view'
       WHEN 'S' THEN 'sequence' ELSE relkind::text END, '', called,
       CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) ELSE relpersistence::text || coalesce(reloptions::text, '') END, 0
  FROM own WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND relname !~ '^schema_versions_'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE relkind = 'S' AND d.objid = own.oid AND deptype IN ('a', 'i'))
UNION ALL
SELECT 'column', o.called, attname, format_type(atttypid, atttypmod) || attnotnull::text || attidentity::text || attgenerated::text ||
       coalesce(pg_get_expr(adbin, adrelid), '') || coalesce(collname, ''), attnum
  FROM own o JOIN pg_attribute a ON a.attrelid = o.oid LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = attnum
  LEFT JOIN pg_collation l ON l.oid = attcollation AND collname <> 'default'
 WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT CASE contype WHEN 'p' THEN 'primary_key' WHEN 'f' THEN 'foreign_key' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check'
       ELSE contype::text END, coalesce(o.called, ''), conname, pg_get_constraintdef(k.oid), 0
  FROM pg_constraint k LEFT JOIN own o ON o.oid = conrelid JOIN spaces s ON s.oid = connamespace
 WHERE contype <> 'n' AND (conrelid = 0 OR o.oid IS NOT NULL)
UNION ALL
SELECT 'index', o.called, i.relname, pg_get_indexdef(indexrelid) || indisvalid::text, 0
  FROM pg_index x JOIN own o ON o.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
 WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', o.called, tgname, pg_get_triggerdef(t.oid) || tgenabled::text, 0
  FROM pg_trigger t JOIN own o ON o.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT 'function', '', proname, pg_get_functiondef(p.oid), 0 FROM pg_proc p JOIN spaces s ON s.oid = pronamespace WHERE prokind <> 'a'
UNION ALL
SELECT 'enum', '', typname, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum e WHERE enumtypid = t.oid), 0
  FROM pg_type t JOIN spaces s ON s.oid = typnamespace WHERE typtype = 'e'
UNION ALL
SELECT 'domain', '', typname, format_type(typbasetype, typtypmod) || typnotnull::text || coalesce(typdefault, ''), 0
  FROM pg_type t JOIN spaces s ON s.oid = typnamespace WHERE typtype = 'd'
"""
_numbers = itertools.count(1)


class PostgresSite(Site):
    """A private server: a database for comparisons, which is always rolled back, and one for each that is diagnosed."""

    dialect = "postgresql"

    def __init__(self, version: int | None = 16) -> None:
        from sqlalchemy import event

        from forensics.replay.cluster import Cluster

        self._stack = ExitStack()
        self._cluster = self._stack.enter_context(Cluster(version))
        self._cluster.create("bench_template")
        self._cluster.create("comparing")
        self._engine = self._connect("comparing")
        event.listen(self._engine, "before_cursor_execute", _inside, retval=True)
        self._connection = self._stack.enter_context(self._engine.connect())
        self._outer: Any = None

    def _connect(self, name: str) -> Any:
        import sqlalchemy
        from sqlalchemy.pool import NullPool

        url = self._cluster.url(name).replace("postgresql:", "postgresql+psycopg:", 1)
        return sqlalchemy.create_engine(url, poolclass=NullPool)

    def close(self) -> None:
        """Stop the server."""
        self._stack.close()

    def _raw(self, connection: Any = None) -> Any:
        return (connection or self._connection).connection.driver_connection

    def begin(self, source: Source) -> None:
        """Start with nothing but the tracker's empty table, in a transaction that is never committed."""
        if self._outer is not None:
            self._outer.rollback()
        self._outer = self._connection.begin()
        self._raw().execute(ALEMBIC if source.tool == "alembic" else TRACKER)

    def mark(self, at: int) -> None:
        """Remember the state before an act."""
        self._raw().execute(f"SAVEPOINT mark_{at}")

    def back(self, at: int) -> None:
        """Return to the state before an act."""
        self._raw().execute(f"ROLLBACK TO SAVEPOINT mark_{at}")

    def perform(self, source: Source, act: Act) -> str:
        """Do it inside a savepoint, as a transaction of its own would do it."""
        raw = self._raw()
        raw.execute("SAVEPOINT act")
        try:
            self._do(source, act, self._connection, inside=True)
        except Exception as error:  # migrations fail in every way that there is
            raw.execute("ROLLBACK TO SAVEPOINT act")
            return str(error).strip() or type(error).__name__
        raw.execute("RELEASE SAVEPOINT act")
        return "interrupted" if isinstance(act, Run) and act.upto is not None else ""

    def _do(
        self, source: Source, act: Act, connection: Any, *, inside: bool, then: Callable[[Any], None] | None = None
    ) -> None:
        raw = self._raw(connection)
        if isinstance(act, Sql):
            for statement in act.statements:
                raw.execute(_within(statement) if inside else statement)
            return
        file = source.by_id[act.migration]
        text = source.files[file]
        if file.endswith(".sql"):
            chosen = pieces(text, "postgresql")[: act.upto]
            for piece in chosen:
                raw.execute(_within(piece) if inside else piece)
            if then is not None:
                then(raw)
            return
        made = module(source, file)
        if source.tool != "alembic":
            made.upgrade(raw)
            if then is not None:
                then(raw)
            return
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        context = MigrationContext.configure(connection)
        if inside:
            context.autocommit_block = nullcontext  # type: ignore[method-assign,assignment]
        with Operations.context(context):
            if inside:
                made.upgrade()
            else:
                with context.begin_transaction(_per_migration=True):
                    made.upgrade()
                    if then is not None:
                        then(raw)

    def read(self) -> tuple[dict[Name, object], Any, Any]:
        """Return the objects, the order of columns, and the slots of columns."""
        return catalogue(self._raw())

    def stand(self) -> object:
        """Return the objects and the order of their columns."""
        return self.read()[1]

    @contextmanager
    def realised(self, plant: Plant) -> Iterator[Any]:
        """Build a database in transactions as the tools make them, and yield a reader of the toolkit for it."""
        import psycopg

        from forensics.catalogs.postgresql import PostgresReader

        with self.raw(plant) as name, psycopg.connect(self._cluster.url(name), autocommit=True) as connection:
            yield PostgresReader(connection)

    @contextmanager
    def raw(self, plant: Plant) -> Iterator[str]:
        """Build a database with its tracker, and yield its name on the server; it is gone afterwards."""
        names = [f"world_{next(_numbers)}"]
        self._cluster.create(names[0], template="bench_template")
        try:
            self._write(plant, names[0])
            if plant.after == "restore":
                names.append(f"world_{next(_numbers)}")
                self._cluster.create(names[1], template="bench_template")
                self._copy(*names)
            yield names[-1]
        finally:
            for name in names:
                self._cluster.drop(name)

    def url(self, name: str) -> str:
        """Return the address of a database on the server."""
        return self._cluster.url(name)

    def _copy(self, one: str, other: str) -> None:
        from forensics.replay.inside.postmaster import choose

        folder = Path(choose(int(self._cluster.server_version.split(".")[0]), None)[0])
        dump = subprocess.run(
            [folder / "pg_dump", "-d", self._cluster.url(one), "--no-owner"], capture_output=True, check=True
        ).stdout
        subprocess.run(
            [folder / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self._cluster.url(other)], input=dump, capture_output=True,
            check=True,
        )  # fmt: skip

    def _write(self, plant: Plant, name: str) -> None:
        chain = plant.archived or plant.source
        engine = self._connect(name)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
                book = _Book(plant, chain, self._raw(plain))
                self._raw(plain).execute(ALEMBIC if chain.tool == "alembic" else TRACKER)
                for at, act in enumerate(plant.acts):
                    if isinstance(act, Sql) or act.upto is not None:
                        with suppress(Exception):  # what fails by hand fails
                            self._do(chain, act, plain, inside=False)
                        continue
                    later = {known(item) for item in plant.acts[at + 1 :]}
                    book.before(act.migration, later)
                    with engine.connect() as connection:
                        try:
                            self._do(chain, act, connection, inside=False, then=partial(book.write, act.migration))
                            self._raw(connection).commit()
                        except Exception:  # the tool gives up, and somebody records it by hand
                            self._raw(connection).rollback()
                            book.write(act.migration, self._raw(plain))
                book.rest()
                if plant.after == "vacuum":
                    self._raw(plain).execute("VACUUM FULL")
        finally:
            engine.dispose()


class _Book:
    """The tracker of one database: rows are written in the order of the record, with the migration or by hand."""

    def __init__(self, plant: Plant, chain: Source, plain: Any) -> None:
        self._plant, self._chain, self._plain = plant, chain, plain
        self._waiting = list(zip(plant.recorded, moments(plant), strict=True))
        self._done: tuple[str, ...] = ()

    def before(self, name: str, later: set[str]) -> None:
        """Write by hand the rows that come before a migration's and that nothing still to run writes."""
        if name in {item for item, _at in self._waiting}:
            while self._waiting and self._waiting[0][0] != name:
                self._row(self._plain)

    def write(self, name: str, connection: Any) -> None:
        """Write the row of a migration, if it is the next to be recorded."""
        if self._waiting and self._waiting[0][0] == name:
            self._row(connection)

    def rest(self) -> None:
        """Write by hand the rows that are left."""
        while self._waiting:
            self._row(self._plain)

    def _row(self, connection: Any) -> None:
        name, at = self._waiting.pop(0)
        self._done = (*self._done, name)
        if self._chain.tool == "alembic":
            connection.execute("DELETE FROM alembic_version")
            for head in self._chain.heads(self._done):
                connection.execute("INSERT INTO alembic_version VALUES (%s)", (head,))
            return
        text = self._chain.text(name) if name in self._chain.by_id else ""
        connection.execute(
            "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (%s, %s, '', %s)",
            (self._chain.version(name), at, hashlib.md5(text.encode()).hexdigest() if self._plant.checksums else ""),
        )


def catalogue(raw: Any) -> tuple[dict[Name, object], Any, Any]:
    """Return the objects of a database, the order of columns, and the slots of columns."""
    found: dict[Name, object] = {}
    slots: dict[str, list[tuple[int, str]]] = {}
    for kind, table, name, told, slot in raw.execute(CATALOGUE).fetchall():
        found[kind, table, name] = told
        if kind == "column":
            slots.setdefault(table, []).append((slot, name))
    order = {table: [name for _slot, name in sorted(items)] for table, items in slots.items()}
    return found, (sorted(found.items()), sorted(order.items())), {table: sorted(items) for table, items in slots.items()}


def _within(statement: str) -> str:
    return statement.replace("CONCURRENTLY", "").replace("concurrently", "")


def _inside(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
    return _within(statement), parameters
