"""SQLite's errors in words that name the file and the way out."""

from __future__ import annotations

import sqlite3

from forensics.errors import AcquisitionError, DatabaseBusy, DatabaseUnreadable

_LOCKED = "wait until the program that holds it is done or stop it, or give a copy made with `VACUUM INTO`"


def in_words(error: sqlite3.Error, shown: str) -> AcquisitionError:
    """Return what an error of SQLite means for the reader of a file that is called ``shown``."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = str(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseBusy(f"{shown} is locked by another program", remedy=_LOCKED)
    if code == sqlite3.SQLITE_NOTADB:
        return DatabaseUnreadable(
            f"{shown} is not an SQLite database, or it is encrypted",
            remedy="decrypt it into a private copy and give that, or check the path",
        )
    if text.startswith("malformed database schema"):
        return DatabaseUnreadable(
            f"{shown} has a schema that SQLite {sqlite3.sqlite_version} cannot parse: {text}",
            remedy="the database was made by a newer SQLite, or its schema is damaged; restore it from a backup",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return DatabaseUnreadable(
            f"{shown} is damaged: {text}",
            remedy="restore it from a backup, or recover a copy with the `.recover` command of sqlite3",
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return DatabaseUnreadable(f"{shown} cannot be opened: {text}", remedy="check the rights of the file")
    if code == sqlite3.SQLITE_IOERR:
        return DatabaseUnreadable(
            f"{shown} cannot be read from its disk: {text}", remedy="check the disk; copy the file"
        )
    return DatabaseUnreadable(f"{shown} cannot be read: {text}", remedy="check that it is an SQLite database in order")
