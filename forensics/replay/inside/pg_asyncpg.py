"""Recorded connections through asyncpg, as SQLAlchemy adapts it: the chain's code is synchronous, the driver is not."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import asyncpg
import greenlet
from sqlalchemy.util import await_only, greenlet_spawn

from .pg_session import Home, Session
from .record import Many

adapted: Any = importlib.import_module("sqlalchemy.dialects.postgresql.asyncpg")
_loop = asyncio.new_event_loop()


def spawn(call: Callable[..., Any], *args: Any) -> Any:
    """Run synchronous code that uses an asynchronous driver, as ``run_sync`` does."""
    return _loop.run_until_complete(greenlet_spawn(call, *args))


def _wait(awaitable: Any) -> Any:
    current = greenlet.getcurrent()
    # SQLAlchemy's own greenlets: the mark of 2.1, and what they have had since 1.4.
    inside = getattr(current, "__sqlalchemy_greenlet_provider__", False) or hasattr(current, "driver")
    return await_only(awaitable) if inside else _loop.run_until_complete(awaitable)


def opener() -> Any:
    """Return the function that opens a recorded connection."""
    dbapi = getattr(adapted.dialect, "import_dbapi", None) or adapted.dialect.dbapi
    module = dbapi()

    class Cursor(adapted.AsyncAdapt_asyncpg_cursor):
        """A cursor whose statements are written down."""

        def execute(self, operation: Any, parameters: Any = None) -> Any:
            run = super().execute
            home: Any = self._adapt_connection
            home.perform(operation, parameters, lambda sql: run(sql, parameters), lambda: self.rowcount)

        def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
            run = super().executemany
            rows = Many(list(seq_of_parameters))
            home: Any = self._adapt_connection
            home.perform(operation, rows, lambda sql: run(sql, rows), lambda: self.rowcount)

    class Connection(Session, adapted.AsyncAdapt_asyncpg_connection):
        """A recorded connection. The server sees what `Session` begins and ends."""

        splits = False
        _broken = False
        _connection: Any

        def raw(self, sql: str) -> None:
            try:
                _wait(self._connection.execute(sql))
            except Exception as error:
                self._broken = True
                self._handle_exception(error)
            else:
                self._broken = False

        def answer(self, statements: list[str]) -> list[list[Any]]:
            return [[list(row.values()) for row in _wait(self._connection.fetch(sql))] for sql in statements]

        def failing(self) -> bool:
            return self._broken

        def failed(self) -> None:
            self._broken = self.within()

        def within(self) -> bool:
            return bool(self._connection.is_in_transaction())

        async def _start_transaction(self) -> None:
            """Begin nothing: `Session.begin` has done it."""

        def cursor(self, server_side: bool = False) -> Any:
            return super().cursor(server_side=True) if server_side else Cursor(self)

        def commit(self) -> None:
            self.finish(True)

        def rollback(self) -> None:
            self.finish(False)

        def close(self) -> None:
            self.leave()

        def terminate(self) -> None:
            self.leave()

        def really_close(self) -> None:
            """Close the connection for good."""
            _wait(self._connection.close())

        @property
        def autocommit(self) -> bool:
            return self.auto

        @autocommit.setter
        def autocommit(self, value: bool) -> None:
            self.auto = bool(value)

        def set_isolation_level(self, level: Any) -> None:
            self.finish(False)
            self.auto = level == "autocommit"

    def open_asyncpg(home: Home, options: dict[str, Any]) -> Any:
        target = {"database" if name == "dbname" else name: value for name, value in options.items()}
        plain = _wait(asyncpg.connect(**target, statement_cache_size=0))
        made: Any = Connection(module, plain, prepared_statement_cache_size=0)
        made.home = home
        return made

    return open_asyncpg
