"""How numbered migrations run: SQL scripts in one of three ways, Python files by a function that takes a connection."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import sqlite3
import types
from typing import Any

from . import script
from .record import Connection, Record, Stopped, run_piece
from .scratch import Scratch

_codes: dict[tuple[str, str], types.CodeType] = {}


class Unloadable(Exception):
    """The migration cannot be loaded. ``missing`` is the module, variable or function that is not there."""


class Pair(tuple[Any, ...]):
    """A row that answers to numbers as tuples do and to names as `sqlite3.Row` does."""

    names: tuple[str, ...]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.names)


def _pair(cursor: Any, row: tuple[Any, ...]) -> Pair:
    made = Pair(row)
    made.names = tuple(item[0] for item in cursor.description)
    return made


def run_sql(text: str, runner: str, connection: Connection, record: Record) -> None:
    """Run a script as its manager does.

    ``executescript``: each statement in autocommit. ``statements``: one by one as `sqlite3.Connection.execute` does,
    committed at the end. ``transaction``: all in one. What a failure leaves in place follows from that.
    """
    if "\0" in text:
        raise ValueError("embedded null character")
    found = script.split_script(text)
    record.total = sum(not script.is_read(piece) for piece in found)
    if runner != "statements":
        connection.isolation_level = None
    try:
        if runner == "transaction":
            connection.plain().execute("BEGIN")
        for piece in found:
            run_piece(connection, piece, record)
        if runner != "executescript":
            connection.commit()
    except Stopped:
        pass


def run_ddl(statements: list[str], connection: Connection, record: Record) -> None:
    """Execute outside statements one by one in autocommit."""
    record.total = sum(not script.is_read(sql) for sql in statements)
    connection.isolation_level = None
    for sql in statements:
        run_piece(connection, sql, record)


def seed(statements: list[str], connection: Connection) -> None:
    """Make what stored statements describe, in one transaction. Those that need a later one are tried again at the end.

    What is there already (the shadow tables of a virtual one, the migration tool's own) is left alone. Raises the
    error of the first statement that SQLite does not take.
    """
    connection.isolation_level = None
    cursor = connection.plain()
    cursor.execute("BEGIN")
    for last in (False, True):
        waiting = []
        for sql in statements:
            try:
                cursor.execute(sql)
            except sqlite3.Error as error:
                if "already exists" in str(error):
                    continue
                if last:
                    raise sqlite3.OperationalError(f"{error}: {sql}") from error
                waiting.append(sql)
        statements = waiting
    cursor.execute("COMMIT")


def load(text: str, path: str) -> types.ModuleType:
    """Execute a migration's module from its text. Raises whatever it raises."""
    code = _codes.get((text, path))
    if code is None:
        code = _codes[text, path] = compile(text, path, "exec", dont_inherit=True)
    stem = path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    module = types.ModuleType(re.sub(r"\W", "_", stem))
    module.__file__ = path
    exec(code, module.__dict__)
    return module


def line_of(text: str, failed: str | None) -> int:
    """Return the line of a script at which a statement begins, or 0."""
    for offset, piece in script.pieces(text):
        if piece == failed:
            return text.count("\n", 0, offset) + 1
    return 0


def function(module: types.ModuleType, entry: str) -> Any:
    """Return the function that runs the migration, or raise `Unloadable` naming those that are there."""
    found = getattr(module, entry, None)
    if callable(found):
        return found
    there = sorted(
        name for name, item in vars(module).items()
        if inspect.isfunction(item) and item.__module__ == module.__name__ and not name.startswith("_")
    )  # fmt: skip
    raise Unloadable(f"it has no function {entry!r} (it defines {', '.join(there) or 'none'})")


def run_python(text: str, path: str, entry: str, scratch: Scratch, connection: Connection, record: Record) -> None:
    """Load a migration, call its function with what it takes, and commit."""
    module = load(text, path)
    call = function(module, entry)
    record.loading = False
    connection.row_factory = _pair
    result = call(*_arguments(call, scratch, connection))
    if inspect.iscoroutine(result):
        asyncio.run(result)
    if connection.open:
        connection.commit()


def _arguments(call: Any, scratch: Scratch, connection: Connection) -> list[Any]:
    name = first_parameter(call)
    if not name:
        return []
    if name in ("cur", "cursor", "c"):
        return [connection.cursor()]
    if name.endswith(("path", "file", "filename")):
        return [scratch.path]
    if name in ("url", "dsn", "db_url", "database_url"):
        return [scratch.url]
    return [connection]


def first_parameter(call: Any) -> str:
    """Return the name of a function's first parameter in lower case; empty where it takes none."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return "connection"
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    return next((item.name.lower() for item in parameters if item.kind not in named), "")


def place(error: BaseException, path: str) -> int:
    """Return the line of the migration's file from which ``error`` comes, or 0."""
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    if not line and isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno or 0
    return line


def origin(error: BaseException, foreign: tuple[str, ...]) -> list[Any] | None:
    """Return the file and line of the project from which an error comes; files below ``foreign`` are not the project's."""
    found: list[Any] | None = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if os.path.isabs(name) and not name.startswith(foreign):
            found = [name, trace.tb_lineno]
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and os.path.isabs(error.filename):
        found = [error.filename, error.lineno or 0]
    return found
