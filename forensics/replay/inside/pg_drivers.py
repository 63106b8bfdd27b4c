"""The drivers through which migrations speak to the scratch server: psycopg here, the others in files of their own."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from .pg_session import Home, Session
from .record import Many

DRIVERS = ("psycopg", "psycopg2", "asyncpg")


def best(wanted: str) -> str:
    """Return the driver that the hint names, or the first one that is installed. Raises `ImportError`."""
    names = [wanted.rpartition("+")[2]] if wanted else list(DRIVERS)
    for name in names:
        try:
            importlib.import_module(name)
            if name == "psycopg" and importlib.util.find_spec("sqlalchemy"):
                importlib.import_module("sqlalchemy.dialects.postgresql.psycopg")  # not in SQLAlchemy 1.4
        except ImportError:
            if wanted:
                raise
            continue
        return name
    raise ImportError(f"none of the PostgreSQL drivers {', '.join(DRIVERS)} is installed for it", name="psycopg")


def opener(driver: str) -> Any:
    """Return the function ``(home, options) -> connection`` of a driver."""
    if driver == "psycopg":
        return _psycopg()
    return importlib.import_module(f"{__package__}.pg_{driver}").opener()


def text_of(query: Any, connection: Any) -> str:
    """Return what a query given in any of the drivers' ways says."""
    if isinstance(query, str):
        return query
    if isinstance(query, (bytes, bytearray)):
        return bytes(query).decode()
    return str(query.as_string(connection))


def _psycopg() -> Any:
    import psycopg

    class Cursor(psycopg.Cursor[Any]):
        """A cursor whose statements are written down."""

        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            run = super().execute
            home: Any = self.connection
            home.perform(
                text_of(query, home), params, lambda sql: run(sql, params, **options), lambda: self.rowcount
            )
            return self

        def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
            run = super().executemany
            rows = Many(list(params_seq))
            home: Any = self.connection
            home.perform(text_of(query, home), rows, lambda sql: run(sql, rows, **options), lambda: self.rowcount)

        def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
            run = super().copy
            home: Any = self.connection
            return home.perform(text_of(statement, home), params, lambda sql: run(sql, params, **options), lambda: 1)

    class Connection(Session, psycopg.Connection[Any]):
        """A recorded connection. The server sees what `Session` begins and ends."""

        def raw(self, sql: str) -> None:
            result = self.pgconn.exec_(sql.encode())
            if result.status not in (psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK):
                raise psycopg.errors.error_from_result(result, encoding="utf-8")

        def answer(self, statements: list[str]) -> list[list[Any]]:
            with psycopg.Cursor(self) as cursor:
                cursor.execute(";\n".join(statements), prepare=False)
                found = []
                more: bool | None = True
                while more:
                    # Asking the result itself: `description` makes an object of each column.
                    result = cursor.pgresult
                    found.append(cursor.fetchall() if result is not None and result.nfields else [])
                    more = cursor.nextset()
            return found

        def failing(self) -> bool:
            return self.pgconn.transaction_status == psycopg.pq.TransactionStatus.INERROR

        def within(self) -> bool:
            return self.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE

        def commit(self) -> None:
            self.finish(True)

        def rollback(self) -> None:
            self.finish(False)

        def close(self) -> None:
            self.leave()

        def really_close(self) -> None:
            """Close the connection for good."""
            psycopg.Connection.close(self)

        def cursor(self, *args: Any, **options: Any) -> Any:
            if args or options.get("name"):
                self.begin()
            return super().cursor(*args, **options)

        @property
        def autocommit(self) -> bool:
            return self.auto

        @autocommit.setter
        def autocommit(self, value: bool) -> None:
            self.auto = bool(value)

        def set_autocommit(self, value: bool) -> None:
            self.auto = bool(value)

        isolation_level: Any = None
        read_only: Any = None
        deferrable: Any = None

        def set_isolation_level(self, value: Any) -> None:
            """Leave the level as it is: nobody else is there."""

        def set_read_only(self, value: Any) -> None:
            """Leave it as it is."""

        def set_deferrable(self, value: Any) -> None:
            """Leave it as it is."""

        def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
            self.finish(kind is None)
            self.leave()

    def open_psycopg(home: Home, options: dict[str, Any]) -> Any:
        made: Any = Connection.connect(**options, autocommit=True, prepare_threshold=None, cursor_factory=Cursor)
        made.home = home
        return made

    return open_psycopg
