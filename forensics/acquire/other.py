"""Opening a database of any other dialect through SQLAlchemy, for as long as its driver is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from forensics.acquire.patience import TooLong, within
from forensics.acquire.postgresql_trouble import silent
from forensics.catalogs.inspector import LIMITS, InspectorReader
from forensics.errors import DatabaseUnreadable
from forensics.redact import redact_text, url_secrets

if TYPE_CHECKING:
    from sqlalchemy import Connection

INSPECTED = f"one transaction that is rolled back, through SQLAlchemy's Inspector; it does not show {LIMITS}"
_LIMIT = 20
_READ_ONLY = {"mysql": "SET TRANSACTION READ ONLY", "mariadb": "SET TRANSACTION READ ONLY"}
_TIMEOUTS = {"pymysql": "connect_timeout", "mysqldb": "connect_timeout", "mysqlconnector": "connection_timeout"}


@contextmanager
def open_inspector(address: str, *, name: str = "") -> Iterator[InspectorReader]:
    """Open a database of any dialect that SQLAlchemy has here, in one transaction that is rolled back.

    Raises `DatabaseUnreadable` where the dialect or its driver is not installed or the database cannot be read.
    """
    shown = name or "the database"
    scheme = address.partition("://")[0]
    try:
        import sqlalchemy as sa

        url = sa.make_url(address)
        option = _TIMEOUTS.get(url.get_driver_name())
        engine = sa.create_engine(
            url, poolclass=sa.pool.NullPool, connect_args={option: _LIMIT // 2} if option else {}
        )
    except ImportError as error:
        raise DatabaseUnreadable(
            f"{shown} is a {scheme} address, and its driver is not there ({error.name or error})",
            remedy="install the driver that the address names",
        ) from None
    except sa.exc.ArgumentError as error:
        # Also the error for a dialect that nobody has registered.
        raise DatabaseUnreadable(
            f"{shown} is a {scheme} address, which cannot be read here",
            remedy="give an SQLite file, a postgresql:// address, or install the SQLAlchemy dialect for it",
        ) from error
    try:
        connection: Connection = within(_LIMIT, engine.connect, lambda late: late.close())
        with connection:
            if begin := _READ_ONLY.get(engine.dialect.name):
                connection.exec_driver_sql(begin)
                connection.commit()
            yield InspectorReader(connection)
            connection.rollback()
    except TooLong:
        raise silent(shown, _LIMIT) from None
    except sa.exc.SQLAlchemyError as error:
        said = redact_text(str(getattr(error, "orig", None) or error).partition("\n")[0], url_secrets(address))
        raise DatabaseUnreadable(
            f"{shown} cannot be read: {said}", remedy="check the address and that the server runs"
        ) from None
    finally:
        engine.dispose()
