"""Recorded connections through psycopg2."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import extensions

from .pg_drivers import text_of
from .pg_session import Home, Session
from .record import Many


def opener() -> Any:
    """Return the function that opens a recorded connection."""

    class Cursor(extensions.cursor):
        """A cursor whose statements are written down."""

        def execute(self, query: Any, vars: Any = None) -> Any:
            run = super().execute
            home: Any = self.connection
            home.perform(text_of(query, home), vars, lambda sql: run(sql, vars), lambda: self.rowcount)

        def executemany(self, query: Any, vars_list: Any) -> Any:
            run = super().executemany
            rows = Many(list(vars_list))
            home: Any = self.connection
            home.perform(text_of(query, home), rows, lambda sql: run(sql, rows), lambda: self.rowcount)

        def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> Any:
            run = super().copy_expert
            home: Any = self.connection
            home.perform(text_of(sql, home), None, lambda text: run(text, file, size), lambda: 1)

        def callproc(self, procname: Any, parameters: Any = None) -> Any:
            run = super().callproc
            home: Any = self.connection
            return home.perform(f"CALL {procname}", parameters, lambda _: run(procname, parameters or ()), lambda: -1)

    class Connection(Session, extensions.connection):
        """A recorded connection. The server sees what `Session` begins and ends."""

        def raw(self, sql: str) -> None:
            with extensions.connection.cursor(self, cursor_factory=extensions.cursor) as cursor:
                cursor.execute(sql)

        def answer(self, statements: list[str]) -> list[list[Any]]:
            found = []
            with extensions.connection.cursor(self, cursor_factory=extensions.cursor) as cursor:
                for sql in statements:
                    cursor.execute(sql)
                    found.append(cursor.fetchall() if cursor.description else [])
            return found

        def failing(self) -> bool:
            return bool(self.info.transaction_status == extensions.TRANSACTION_STATUS_INERROR)

        def within(self) -> bool:
            return bool(self.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE)

        def commit(self) -> None:
            self.finish(True)

        def rollback(self) -> None:
            self.finish(False)

        def close(self) -> None:
            self.leave()

        def really_close(self) -> None:
            """Close the connection for good."""
            extensions.connection.close(self)

        @property
        def autocommit(self) -> bool:
            return self.auto

        @autocommit.setter
        def autocommit(self, value: bool) -> None:
            self.auto = bool(value)

        @property
        def isolation_level(self) -> Any:
            return extensions.ISOLATION_LEVEL_AUTOCOMMIT if self.auto else extensions.ISOLATION_LEVEL_DEFAULT

        @isolation_level.setter
        def isolation_level(self, value: Any) -> None:
            self.set_isolation_level(value)

        def set_isolation_level(self, level: Any) -> None:
            self.finish(False)
            self.auto = level == extensions.ISOLATION_LEVEL_AUTOCOMMIT

        def set_session(self, isolation_level: Any = None, *args: Any, **options: Any) -> None:
            if "autocommit" in options:
                self.auto = bool(options["autocommit"])

        def __enter__(self) -> Any:
            return self

        def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
            self.finish(kind is None)

    def open_psycopg2(home: Home, options: dict[str, str]) -> Any:
        made: Any = psycopg2.connect(**options, connection_factory=Connection, cursor_factory=Cursor)
        extensions.connection.autocommit.__set__(made, True)
        made.home = home
        return made

    return open_psycopg2
