"""How numbered migrations run on PostgreSQL: SQL files through the driver, Python files by a function."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from . import numbered, pg_script
from .record import Record, Stopped


def run_sql(text: str, runner: str, connection: Any, record: Record) -> None:
    """Run a script as a plain runner does: in one transaction, committed at the end.

    With the runner ``statements`` each statement is committed by itself, as ``psql`` would do.
    """
    found = pg_script.split_script(text)
    record.total = sum(not pg_script.is_read(piece) for piece in found)
    connection.auto = runner == "statements"
    try:
        for piece in found:
            execute(connection, piece)
        connection.finish(True)
    except Stopped:
        pass


def run_ddl(statements: list[str], connection: Any, record: Record) -> None:
    """Execute outside statements one by one, each committed by itself."""
    record.total = sum(not pg_script.is_read(sql) for sql in statements)
    connection.auto = True
    for sql in statements:
        execute(connection, sql)


def execute(connection: Any, sql: str) -> None:
    """Execute one statement, recorded; its rows are dropped."""
    connection.perform(sql, None, connection.raw, lambda: -1)


def seed(statements: list[str], connection: Any) -> None:
    """Make what stored statements describe, in one transaction. Those that need a later one are tried again.

    Raises the error of the first statement that cannot be executed at all.
    """
    record, Record.current = Record.current, None  # none of this is a statement of the step
    try:
        connection.begin()
        try:
            connection.raw("SAVEPOINT seed; " + ";\n".join([*statements, "RELEASE seed"]))
        except Exception:
            connection.raw("ROLLBACK TO seed")
            _patiently(statements, connection)
        connection.finish(True)
    finally:
        Record.current = record


def _patiently(statements: list[str], connection: Any) -> None:
    while statements:
        waiting = []
        first: Exception | None = None
        for sql in statements:
            try:
                connection.raw(f"SAVEPOINT seed; {sql}")
            except Exception as error:
                connection.raw("ROLLBACK TO seed")
                waiting.append(sql)
                first = first or error
        if first is not None and len(waiting) == len(statements):
            raise first
        statements = waiting


def run_python(text: str, path: str, entry: str, scratch: Any, record: Record) -> None:
    """Load a migration, call its function with what it takes, and commit."""
    module = numbered.load(text, path)
    call = numbered.function(module, entry)
    record.loading = False
    takes = numbered.first_parameter(call)
    if takes.endswith(("path", "file", "filename")) or takes in ("url", "dsn", "db_url", "database_url"):
        result = call(f"postgresql://{scratch.user}@/scratch?host={scratch.server.socket}")
        connection = None
    else:
        connection = scratch.connect()
        given = connection.cursor() if takes in ("cur", "cursor", "c") else connection
        result = call(given) if takes else call()
    if inspect.iscoroutine(result):
        asyncio.run(result)
    if connection is not None:
        connection.finish(True)
    record.total = len(record.statements)


def line_of(text: str, failed: str | None) -> int:
    """Return the line of a script at which a statement begins, or 0."""
    for offset, piece in pg_script.pieces(text):
        if piece == failed:
            return text.count("\n", 0, offset) + 1
    return 0
