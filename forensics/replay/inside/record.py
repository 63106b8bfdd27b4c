"""The recorded connection: every statement that could change something is counted, written down, and stoppable."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from . import script

ROWS_KEPT = 500


class Stopped(sqlite3.OperationalError):
    """The step was to end here, as if this statement had failed."""


class Record:
    """What one step executes. ``upto`` is how many statements it may execute (None: all)."""

    current: ClassVar[Record | None] = None

    def __init__(self, upto: int | None = None) -> None:
        self.upto = upto
        self.statements: list[list[Any]] = []
        self.stopped = False
        self.loading = True
        self.total: int | None = None
        self.failed: str | None = None
        self.failure: BaseException | None = None
        self.connections: list[Connection] = []

    def enter(self, sql: str) -> None:
        """Raise `Stopped` where the step was to end; a transaction may still be ended after that."""
        if self.upto is None:
            return
        if len(self.statements) >= self.upto and not (self.stopped and script.is_control(sql)):
            self.stopped = True
            self.failed = sql
            self.failure = Stopped("stopped before this statement")
            raise self.failure

    def execute(self, connection: Connection, sql: str, parameters: Any, call: Callable[[], Any]) -> Any:
        """Run ``call`` as the execution of ``sql`` and write it down when it succeeds."""
        self.enter(sql)
        cookie = connection.cookie()
        try:
            result = call()
        except BaseException as error:
            self.fail(sql, error)
            raise
        shown, omitted = plain_parameters(parameters)
        self.statements.append([sql, shown, connection.cookie() != cookie, omitted])
        return result

    def changed_rows(self) -> bool:
        """Whether a row was inserted, updated or deleted on any of the step's connections."""
        return any(connection.rows_changed() for connection in self.connections)

    def moved_rows(self) -> bool:
        """Whether a statement may have taken rows away or copied them without being counted as a change of rows."""
        return any(script.moves_rows(item[0]) for item in self.statements)

    def fail(self, sql: str, error: BaseException) -> None:
        """Note which statement failed last."""
        self.failed, self.failure = sql, error

    def close(self) -> None:
        """Close every connection of the step that is not kept; what is uncommitted is rolled back."""
        for connection in self.connections:
            if not connection.keeps:
                connection.close()
            elif connection.in_transaction:
                connection.rollback()

    def caused(self, error: BaseException) -> bool:
        """Whether the failing statement is what ``error`` comes from."""
        seen: set[int] = set()
        stack: list[Any] = [error]
        while stack:
            item = stack.pop()
            if item is None or id(item) in seen:
                continue
            if item is self.failure:
                return True
            seen.add(id(item))
            stack += [item.__cause__, item.__context__, getattr(item, "orig", None)]
        return False


class Connection(sqlite3.Connection):
    """A connection to the scratch database that writes down what is executed on it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._changes = 0
        self._before = 0
        self.keeps = False
        self._plain: sqlite3.Cursor | None = None
        self.open = True
        self.enlist()

    def enlist(self) -> None:
        """Begin to count for the step that runs now."""
        self._before = self.total_changes
        if Record.current is not None:
            Record.current.connections.append(self)

    def plain(self) -> sqlite3.Cursor:
        """Return an unrecorded cursor that gives tuples."""
        cursor = self._plain
        if cursor is None:
            cursor = self._plain = sqlite3.Cursor(self)
            cursor.row_factory = None
        return cursor

    def cookie(self) -> int | None:
        """Return the schema cookie, or None where it cannot be read now."""
        try:
            rows = self.plain().execute("PRAGMA schema_version").fetchall()
        except sqlite3.Error:
            return None
        return int(rows[0][0]) if rows else None

    def rows_changed(self) -> int:
        """Return how many rows were changed on this connection, also after it was closed."""
        return (self.total_changes if self.open else self._changes) - self._before

    def close(self) -> None:
        """Close the connection and remember how many rows it had changed."""
        if self.open:
            self._changes = self.total_changes
            self.open = False
        super().close()

    def cursor(self, factory: Any = None) -> Any:
        """Return a recorded cursor."""
        return super().cursor(factory or Cursor)

    def execute(self, *args: Any) -> Any:
        """Execute one statement on a new cursor; the original takes an unrecorded one."""
        return self.cursor().execute(*args)

    def executemany(self, *args: Any) -> Any:
        """Execute one statement many times on a new cursor."""
        return self.cursor().executemany(*args)

    def executescript(self, sql_script: str, /) -> Any:
        """Execute a script on a new cursor."""
        return self.cursor().executescript(sql_script)


class Cursor(sqlite3.Cursor):
    """A cursor whose statements are written down."""

    def execute(self, sql: str, parameters: Any = (), /) -> Any:
        """Execute one statement."""
        record = Record.current
        run = super().execute
        if record is None or not isinstance(sql, str):
            return run(sql, parameters)
        if script.is_read(sql):
            try:
                return run(sql, parameters)
            except BaseException as error:
                record.fail(sql, error)
                raise
        return record.execute(self._home(), sql, parameters, lambda: run(sql, parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Any:
        """Execute one statement once for each element of ``parameters``."""
        record = Record.current
        if record is None or not isinstance(sql, str):
            return super().executemany(sql, parameters)
        rows = list(parameters)
        run = super().executemany
        return record.execute(self._home(), sql, Many(rows), lambda: run(sql, rows))

    def executescript(self, sql_script: str, /) -> Any:
        """Execute a script statement by statement, as the original does: committed first, then in autocommit."""
        record = Record.current
        if record is None:
            return super().executescript(sql_script)
        if "\0" in sql_script:
            raise ValueError("embedded null character")
        home = self._home()
        with_commit = getattr(home, "autocommit", -1) == -1
        if with_commit and home.in_transaction:
            home.commit()
        level = home.isolation_level
        if with_commit:
            home.isolation_level = None
        try:
            for piece in script.split_script(sql_script):
                run_piece(home, piece, record)
        finally:
            if with_commit and home.open:
                home.isolation_level = level
        return self

    def _home(self) -> Connection:
        home = self.connection
        assert isinstance(home, Connection)
        return home


def run_piece(connection: Connection, sql: str, record: Record) -> None:
    """Execute one statement of a script to its end; its rows are dropped."""

    def call() -> None:
        connection.plain().execute(sql).fetchall()

    if script.is_read(sql):
        try:
            call()
        except BaseException as error:
            record.fail(sql, error)
            raise
    else:
        record.execute(connection, sql, (), call)


class Many(list[Any]):
    """The parameters of an `executemany`."""


def plain_parameters(parameters: Any) -> tuple[list[Any] | dict[str, Any] | None, int]:
    """Return parameters as JSON-able data and how many of their rows were left out."""
    if isinstance(parameters, Many):
        return [plain_parameters(row)[0] for row in parameters[:ROWS_KEPT]], max(0, len(parameters) - ROWS_KEPT)
    if not parameters:
        return None, 0
    if isinstance(parameters, dict):
        return {str(name): _plain(value) for name, value in parameters.items()}, 0
    return [_plain(value) for value in parameters], 0


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"hex": bytes(value).hex()}
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    try:
        adapted: Any = sqlite3.adapt(value, sqlite3.PrepareProtocol)
    except sqlite3.Error:
        return str(value)
    return str(value) if adapted is value else _plain(adapted)
