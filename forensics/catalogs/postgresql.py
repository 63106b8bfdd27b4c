"""The catalogue of PostgreSQL 13 to 18: a handful of bulk queries over ``pg_catalog`` in one read-only transaction.

The schema of a server is more than can be compared here: policies, rules, grants, statistics objects, publications and
their like are only counted, in the fact ``not compared``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from forensics.catalogs.asking import ask_postgresql
from forensics.catalogs.postgresql_catalog import Catalogue, read
from forensics.catalogs.postgresql_names import parts, spell
from forensics.catalogs.postgresql_objects import Row
from forensics.errors import DatabaseUnreadable
from forensics.model import Snapshot

if TYPE_CHECKING:
    import psycopg

__all__ = ["Catalogue", "PostgresReader", "read", "read_only", "snapshot"]

STATEMENT_LIMIT = 30
LOCK_LIMIT = 5

_WAITED = {
    "55P03": f"another session holds a lock on it, also after {LOCK_LIMIT} seconds",
    "57014": f"it took longer than its limit of {STATEMENT_LIMIT} seconds",
}
# Each ends with the transaction. What changes how the catalogue is deparsed is as everywhere.
_SETTINGS = "; ".join(f"SET LOCAL {setting}" for setting in (
    f"statement_timeout = {STATEMENT_LIMIT * 1000}", f"lock_timeout = {LOCK_LIMIT * 1000}", "search_path = ''",
    "standard_conforming_strings = on", "timezone = 'UTC'", "datestyle = 'ISO, YMD'", "intervalstyle = 'postgres'",
    "extra_float_digits = 1", "quote_all_identifiers = off", "bytea_output = 'hex'", "jit = off",
))  # fmt: skip


@contextmanager
def read_only(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Put what is done inside into one read-only transaction that sees one moment, with limits for every wait.

    All settings end with the transaction, so a pooler between may give it any of its sessions. The transaction is
    rolled back at the end.
    """
    try:
        connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_SETTINGS}")
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            # The server knows nothing about its bytes and would refuse to call them UTF-8.
            connection.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
            for name in ("text", "varchar", "bpchar", "name", '"char"'):
                connection.adapters.register_loader(name, _lenient())
        yield
    finally:
        if not connection.closed:
            connection.rollback()


def _lenient() -> Any:
    from psycopg.adapt import Loader

    class Lenient(Loader):
        def load(self, data: Any) -> str:
            return bytes(data).decode("utf-8", "surrogateescape")

    return Lenient


def snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """Return the schema of the database behind an idle connection, read without writing anything.

    Raises `psycopg.Error` as it comes; `forensics.acquire` puts it into words.
    """
    return PostgresReader(connection).snapshot()


class PostgresReader:
    """A `Reader` of an open psycopg connection; see `forensics.catalogs.reader`. The schema is read once.

    Inside `read_only` everything that it reads is of one moment; else each look is a transaction of its own.
    """

    dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        from psycopg.pq import TransactionStatus

        if self._connection.info.transaction_status == TransactionStatus.IDLE:
            with read_only(self._connection):
                yield
        else:
            yield

    def _ask(self, query: str) -> list[Row]:
        return self._connection.execute(query.encode("utf-8", "surrogateescape")).fetchall()

    def _ask_many(self, queries: list[str]) -> list[list[Row]]:
        """Run several queries in one message, so that nobody waits between them."""
        cursor = self._connection.execute("; ".join(queries).encode("utf-8", "surrogateescape"))
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found

    @cached_property
    def catalogue(self) -> Catalogue:
        """Everything that was read of the schema."""
        with self._transaction():
            return read(self._ask, many=self._ask_many)

    @property
    def server_version(self) -> str:
        """The version of the server."""
        return self.catalogue.version

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self.catalogue.snapshot()

    def snapshot(self) -> Snapshot:
        """Return the schema."""
        return self._snapshot

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of every ordinary table, in the table's own order; ``schema.table`` outside ``public``."""
        return self.catalogue.columns

    def fetch(self, table: str, columns: Sequence[str]) -> list[dict[str, object]]:
        """Return the rows of a table in the order in which it keeps them. Their ``xmin`` is no column and not read.

        Raises `DatabaseUnreadable` where the table or a column is not there or may not be read; the transaction goes
        on all the same.
        """
        import psycopg

        schema, name = parts(table)
        chosen = ", ".join(f"t.{spell(each)}" for each in columns)
        query = f"SELECT {chosen} FROM {spell(schema)}.{spell(name)} AS t ORDER BY t.ctid"
        with self._transaction():
            self._connection.execute("SAVEPOINT forensics_fetch")
            try:
                rows = self._ask(query)
            except psycopg.OperationalError as error:
                if error.sqlstate is None:
                    raise
                self._connection.execute("ROLLBACK TO SAVEPOINT forensics_fetch")
                said = _WAITED.get(error.sqlstate, error.diag.message_primary)
                raise DatabaseUnreadable(f"{table} cannot be read: {said}", remedy="try again later") from error
            except psycopg.Error as error:
                self._connection.execute("ROLLBACK TO SAVEPOINT forensics_fetch")
                remedy = f"GRANT SELECT ON {table} to the user that reads" if error.sqlstate == "42501" else ""
                raise DatabaseUnreadable(
                    f"{table} cannot be read: {error.diag.message_primary or error}", remedy=remedy
                ) from error
            self._connection.execute("RELEASE SAVEPOINT forensics_fetch")
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def ask(self, query: str) -> str:
        """Return the one value of somebody's query; see `ask_postgresql`."""
        with self._transaction():
            return ask_postgresql(self._connection, query)
