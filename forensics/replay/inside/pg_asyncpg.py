"""Recorded connections through asyncpg, as SQLAlchemy adapts it: the chain's code is synchronous, the driver is not.

The driver has a loop in a thread of its own, so that it can be waited for from anywhere: from plain code, from a
greenlet of SQLAlchemy's, and from inside another loop, as in an ``env.py`` that calls `asyncio.run`.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy.util import greenlet_spawn

from .pg_session import Home, Session
from .record import Many

adapted: Any = importlib.import_module("sqlalchemy.dialects.postgresql.asyncpg")
_loop = asyncio.new_event_loop()
_thread = threading.Thread(target=_loop.run_forever, name="asyncpg", daemon=True)


def spawn(call: Callable[..., Any], *args: Any) -> Any:
    """Run synchronous code that uses an asynchronous driver, as ``run_sync`` does."""

    async def within() -> Any:
        return await greenlet_spawn(call, *args)

    return asyncio.run(within())


def spawn_apart(call: Callable[[], Any]) -> None:
    """Do the same in a thread of its own, since a loop may be running in this one."""
    failed: list[BaseException] = []

    def within() -> None:
        try:
            spawn(call)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


async def _settled(awaitable: Any) -> Any:
    return await awaitable


def _wait(awaitable: Any) -> Any:
    if not _thread.is_alive():
        _thread.start()
    return asyncio.run_coroutine_threadsafe(_settled(awaitable), _loop).result()


def opener() -> Any:
    """Return the function that opens a recorded connection."""
    dbapi = getattr(adapted.dialect, "import_dbapi", None) or adapted.dialect.dbapi
    module = dbapi()
    if hasattr(adapted, "await_"):  # SQLAlchemy 2.1 waits by a function of the module, before that by one of the connection
        adapted.await_ = _wait

    class Cursor(adapted.AsyncAdapt_asyncpg_cursor):
        """A cursor whose statements are written down."""

        def execute(self, operation: Any, parameters: Any = None) -> Any:
            home: Any = self._adapt_connection
            given = parameters or ()
            home.perform(
                operation, parameters, lambda sql: _wait(self._prepare_and_execute(sql, given)), lambda: self.rowcount
            )

        def executemany(self, operation: Any, seq_of_parameters: Any) -> Any:
            rows = Many(list(seq_of_parameters))
            home: Any = self._adapt_connection
            home.perform(operation, rows, lambda sql: _wait(self._executemany(sql, rows)), lambda: self.rowcount)

    class Connection(Session, adapted.AsyncAdapt_asyncpg_connection):
        """A recorded connection. The server sees what `Session` begins and ends."""

        splits = False
        await_ = staticmethod(_wait)
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

        async def connected() -> Any:
            plain = await asyncpg.connect(**target, statement_cache_size=0)
            return Connection(module, plain, prepared_statement_cache_size=0)

        made: Any = _wait(connected())
        made.home = home
        return made

    return open_asyncpg
