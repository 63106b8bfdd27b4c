"""One question of a person to a database: a query that gives one value, which may neither write nor take long."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from forensics.errors import DatabaseUnreadable

if TYPE_CHECKING:
    import psycopg

LIMIT = 5.0
NULL = "NULL"

# All that a SELECT needs of SQLite; https://www.sqlite.org/c3ref/c_alter_table.html lists the others.
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_REFUSED = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_STEPS = 10_000


def ask_sqlite(connection: sqlite3.Connection, query: str) -> str:
    """Return the one value of a query as text. Raises `DatabaseUnreadable` where it gives another number, or is refused."""
    deadline = time.monotonic() + LIMIT

    def allowed(action: int, _one: str | None, two: str | None, *_rest: str | None) -> int:
        fine = action in _READING and (action != sqlite3.SQLITE_FUNCTION or (two or "").lower() not in _REFUSED)
        return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY

    connection.set_authorizer(allowed)
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    try:
        rows = connection.execute(query).fetchmany(2)
    except sqlite3.OperationalError as error:
        slow = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT
        raise DatabaseUnreadable(_slow() if slow else str(error)) from None
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        denied = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_AUTH
        raise DatabaseUnreadable("only a SELECT is asked, and this does more" if denied else str(error)) from None
    finally:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)
    return _one([[_text(value) for value in row] for row in rows])


def ask_postgresql(connection: psycopg.Connection[Any], query: str) -> str:
    """Return the one value of a query as the server writes it, inside the read-only transaction that is open.

    The query is the body of a cursor in a protocol that takes one statement: whatever is no SELECT is refused, and no more
    than two rows come over. What it set, or broke, is undone. Raises `DatabaseUnreadable` as `ask_sqlite` does.
    """
    import psycopg

    connection.execute("SAVEPOINT forensics_ask")
    try:
        connection.execute(f"SET LOCAL statement_timeout = {int(LIMIT * 1000)}")
        connection.execute("SET LOCAL search_path TO DEFAULT")
        body = query.rstrip().rstrip(";")
        _sent(connection, f"DECLARE forensics_asked NO SCROLL CURSOR FOR {body}")
        rows = _sent(connection, "FETCH 2 FROM forensics_asked")
    except psycopg.errors.QueryCanceled:
        raise DatabaseUnreadable(_slow()) from None
    except psycopg.OperationalError as error:
        if error.sqlstate is None:  # the connection is gone
            raise
        raise DatabaseUnreadable(_said(error)) from None
    except psycopg.Error as error:
        raise DatabaseUnreadable(_said(error)) from None
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK TO SAVEPOINT forensics_ask")
            connection.execute("RELEASE SAVEPOINT forensics_ask")
    return _one(rows)


def _sent(connection: psycopg.Connection[Any], statement: str) -> list[list[str]]:
    """Send one statement and return the rows as the server writes them."""
    from psycopg import pq
    from psycopg.errors import error_from_result

    result = connection.pgconn.exec_params(statement.encode("utf-8", "surrogateescape"), None)
    if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    found = []
    for row in range(result.ntuples):
        cells = (result.get_value(row, column) for column in range(result.nfields))
        found.append([NULL if cell is None else cell.decode("utf-8", "replace") for cell in cells])
    return found


def _said(error: psycopg.Error) -> str:
    return str(error.diag.message_primary or error).partition("\n")[0]


def _slow() -> str:
    return f"the query took longer than {LIMIT:g} s and was stopped"


def _one(rows: list[list[str]]) -> str:
    if not rows:
        raise DatabaseUnreadable("the query gives no row")
    if len(rows) > 1:
        raise DatabaseUnreadable("the query gives more than one row")
    if len(rows[0]) != 1:
        raise DatabaseUnreadable(f"the query gives {len(rows[0])} columns")
    return rows[0][0]


def _text(value: object) -> str:
    if value is None:
        return NULL
    return value.hex() if isinstance(value, bytes) else str(value)
