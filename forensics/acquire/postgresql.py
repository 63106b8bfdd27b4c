"""Opening a PostgreSQL database for reading: one connection, one read-only transaction, a limit for every wait.

Addresses are those of any driver; what is read is read through psycopg. Nothing is set for the session, as a pooler may
give each transaction another one, and nothing is prepared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote

from forensics.acquire.patience import TooLong, cut_off, within
from forensics.acquire.postgresql_trouble import CONNECT_LIMIT, READ_LIMIT, in_words, late, silent
from forensics.errors import DatabaseBusy, DatabaseUnreadable
from forensics.model import History, Writers

if TYPE_CHECKING:
    import psycopg

    from forensics.catalogs.postgresql import PostgresReader

R = TypeVar("R")

# What libpq knows of an address; the options of other drivers say nothing about where the database is.
_KNOWN = frozenset("""
    host hostaddr port dbname user password passfile sslmode sslcert sslkey sslpassword sslrootcert sslcrl sslcrldir
    sslsni ssl_min_protocol_version ssl_max_protocol_version sslnegotiation sslcompression channel_binding require_auth
    gssencmode krbsrvname gsslib service servicefile target_session_attrs load_balance_hosts
""".split())
_SSL = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedServer:
    """A reader inside a read-only transaction, and how it came about."""

    reader: PostgresReader
    how: str
    connection: psycopg.Connection[Any]

    def writers(self, histories: Iterable[History]) -> Writers | None:
        """Return which transactions wrote the schema and the rows of its trackers; None where the server will not say.

        What it reads is of the moment of the reader's transaction, which goes on whatever happens.
        """
        import psycopg

        from forensics.catalogs.postgresql_writers import read_writers

        columns = self.reader.columns()
        trackers = [
            (history.table, column, [row.ref for row in history.rows])
            for history in histories
            if history.table and history.rows
            for column in columns.get(history.table, ())
            if history.rows[0].ref.startswith(f"{history.table}.{column}=")
        ]
        groups = {oid: group.name for oid, group in self.reader.catalogue.groups.items()}
        self.connection.execute("SAVEPOINT forensics_writers")
        try:
            found = read_writers(
                lambda query: self.connection.execute(query.encode("utf-8", "surrogateescape")).fetchall(), groups, trackers
            )
        except psycopg.Error as error:
            if error.sqlstate is None or error.sqlstate.startswith(("40", "57P")):
                raise
            self.connection.execute("ROLLBACK TO SAVEPOINT forensics_writers")
            return None
        self.connection.execute("RELEASE SAVEPOINT forensics_writers")
        return found


def parameters(address: str) -> dict[str, str]:
    """Return what an address says in the words of libpq.

    The driver and its own options are left out. A user part with an unescaped ``@`` or ``/`` is understood.

    >>> parameters("postgresql+asyncpg://app:p%40ss@db:5433/shop?ssl=require")
    {'user': 'app', 'password': 'p@ss', 'host': 'db', 'port': '5433', 'dbname': 'shop', 'sslmode': 'require'}
    """
    _, _, rest = address.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at or "?" in credentials.partition("/")[2]:
        credentials, place = "", rest
    place, _, query = place.partition("?")
    hosts, _, name = place.partition("/")
    user, _, password = credentials.partition(":")
    found = {"user": unquote(user), "password": unquote(password)}
    names, ports = [], []
    for item in hosts.split(",") if hosts else []:
        host, port = _host(item)
        names.append(host)
        ports.append(port)
    found |= {"host": ",".join(names), "port": ",".join(ports).strip(","), "dbname": unquote(name)}
    listed: dict[str, list[str]] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        listed.setdefault(key, []).append(value)
    for key, items in listed.items():
        if key == "ssl":
            found["sslmode"] = _SSL.get(items[0].lower(), items[0])
        elif key == "database":
            found["dbname"] = items[0]
        elif key in _KNOWN:
            found[key] = ",".join(items)
    if len(listed.get("host", ())) > 1 and "port" not in listed:
        pairs = [_host(item) for item in listed["host"]]
        found |= {"host": ",".join(host for host, _ in pairs), "port": ",".join(port or "5432" for _, port in pairs)}
    return {key: value for key, value in found.items() if value}


def _host(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, mark, port = text.rpartition(":")
    return (unquote(host), port) if mark and port.isdigit() else (unquote(text.removesuffix(":")), "")


@contextmanager
def open_postgresql(address: str, *, name: str = "") -> Iterator[OpenedServer]:
    """Open a PostgreSQL database for reading, in one read-only transaction that sees one moment.

    ``name`` is what messages call it. Only the connection and the transaction's own settings are made; `pg_catalog` is
    read when the reader is asked.

    Raises
    ------
    DatabaseUnreadable
        The server cannot be reached, refuses, is too old, or goes away in the middle; what to do is said.
    DatabaseBusy
        It has no connection to spare, or a lock or a recovery stands in the way.
    """
    shown = name or "the database"
    with _connected(address, shown) as connection, _words(connection, shown):
        from forensics.catalogs.postgresql import PostgresReader, read_only

        with read_only(connection):
            reader = PostgresReader(connection)
            yield OpenedServer(reader=reader, how="one read-only, repeatable-read transaction", connection=connection)


def with_postgresql(address: str, read: Callable[[OpenedServer], R], *, name: str = "") -> R:
    """Open a database and return what ``read`` makes of it; again where a standby's recovery broke in."""
    attempt = 1
    while True:
        try:
            with open_postgresql(address, name=name) as found:
                return read(found)
        except DatabaseBusy:
            if attempt == _ATTEMPTS:
                raise
        time.sleep(0.5 * attempt)
        attempt += 1


@contextmanager
def _connected(address: str, shown: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        import psycopg
    except ImportError as error:
        raise DatabaseUnreadable(
            f"{shown} is a PostgreSQL database, and the driver psycopg is not there",
            remedy="pip install 'psycopg[binary]'",
        ) from error
    given = parameters(address)
    hosts = given.get("host", "").count(",") + 1
    settings: dict[str, Any] = {
        **given,
        "connect_timeout": CONNECT_LIMIT,
        "application_name": "migration-forensics",
        "client_encoding": "UTF8",
        # What the environment asks for would be refused by a pooler, or change what is read.
        "options": "",
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 15000,
    }
    limit = CONNECT_LIMIT * hosts + 2

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(autocommit=True, prepare_threshold=None, **settings)

    try:
        connection = within(limit, connect, lambda late_one: late_one.close())
    except TooLong:
        raise silent(shown, limit) from None
    except psycopg.Error as error:
        # The text of the driver names the user; the cause would carry it on.
        raise in_words(error, shown, given) from None
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _words(connection: psycopg.Connection[Any], shown: str) -> Iterator[None]:
    """Put the errors of what is done inside into words, and end it when it takes too long."""
    import psycopg

    with cut_off(READ_LIMIT, connection.fileno()) as too_long:
        try:
            yield
        except psycopg.Error as error:
            if too_long():
                raise late(shown) from None
            raise in_words(error, shown, {}) from None

