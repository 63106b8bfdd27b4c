"""Opening an SQLite file so that no byte changes or appears in it or beside it.

SQLite itself cannot be trusted with that: a WAL database opened with ``mode=ro`` gets a ``-shm`` and a ``-wal`` beside
it, after a killed writer they are rewritten, ``immutable=1`` silently shows an older state, and a hot journal fails to
open. So a file is opened in place only where its header says rollback journal and no journal lies beside it; otherwise
a private copy is opened, made of the file and its ``-wal`` or ``-journal`` at one moment.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import quote

from forensics.acquire import files
from forensics.acquire.header import SIZE, read_header
from forensics.acquire.trouble import in_words
from forensics.errors import DatabaseBusy, DatabaseMissing, DatabaseUnreadable

_PAUSES = (0.002, 0.005, 0.01, 0.02, 0.05)
_LOCK_WAIT = 0.5
_PATIENCE = 2.0
# SQLite opens no longer path in place; its limit is 512 bytes with the name of the journal.
_LONGEST = 480
_WAL_MAGICS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A database file and its companions at one moment: what decides whether a copy is of one piece."""

    database: files.Stamp | None
    header: bytes
    journal: files.Stamp | None
    journal_header: bytes
    wal: files.Stamp | None
    wal_header: bytes

    @property
    def companions(self) -> bool:
        """Whether a journal or a write-ahead log lies beside the file."""
        return self.journal is not None or self.wal is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file that was read: its ``suffix`` (empty, ``-wal`` or ``-journal``), its size and its SHA-256 (if asked)."""

    suffix: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection that cannot write, how it came about, and the files that it reads, before SQLite touched them."""

    connection: sqlite3.Connection
    how: str
    files: tuple[Part, ...]


@contextmanager
def open_sqlite(path: Path | str, *, name: str = "") -> Iterator[sqlite3.Connection]:
    """Open an SQLite file for reading, in one transaction; nothing in or beside it changes.

    ``name`` is what messages call it. A file of zero bytes, or of a bare header, opens as an empty database.

    Raises
    ------
    DatabaseMissing
        There is nothing at that path.
    DatabaseUnreadable
        A folder, another kind of file, encrypted, damaged, or not allowed.
    DatabaseBusy
        Another program holds an exclusive lock, or the files kept changing while they were copied.
    """
    with opened(path, name=name) as found:
        yield found.connection


@contextmanager
def opened(path: Path | str, *, name: str = "", hashes: bool = False) -> Iterator[Opened]:
    """Open an SQLite file as `open_sqlite` does, and tell how; with ``hashes`` also what exactly was read."""
    shown = name or str(path)
    real = locate(path, shown)
    with tempfile.TemporaryDirectory(prefix="forensics-", ignore_cleanup_errors=True) as folder:
        found = _opened(real, Path(folder) / "database", shown, hashes)
        with closing(found.connection):
            try:
                yield found
            except sqlite3.Error as error:
                raise in_words(error, shown) from error


def locate(path: Path | str, shown: str) -> Path:
    """Return the real path of a database file: SQLite looks for the journal beside the target of a link.

    Raises `DatabaseMissing` or `DatabaseUnreadable`, as `open_sqlite` does.
    """
    given = Path(path)
    if "\0" in str(path):
        raise DatabaseMissing(f"there is no file {shown}", remedy="the path has a zero byte in it; check it")
    real = Path(os.path.realpath(given))
    try:
        os.stat(real)
    except (FileNotFoundError, NotADirectoryError):
        what = "leads to a file that is not there" if given.is_symlink() else "does not exist"
        raise DatabaseMissing(f"{shown} {what}", remedy="check the path; nothing was created") from None
    except OSError as error:
        raise DatabaseUnreadable(f"{shown} cannot be read: {error.strerror}", remedy="check its rights") from None
    if real.is_dir():
        raise DatabaseUnreadable(f"{shown} is a folder, not a database", remedy="give the database file inside it")
    if not real.is_file():
        raise DatabaseUnreadable(f"{shown} is not a regular file", remedy="give the path of a database file")
    if not os.access(real, os.R_OK):
        raise DatabaseUnreadable(f"{shown} may not be read by this user", remedy="give this user the right to read it")
    return real


def state_of(path: Path) -> State:
    """Return the state of a database file and of what lies beside it, read without opening it as a database."""
    journal, wal = _beside(path, "-journal"), _beside(path, "-wal")
    return State(
        database=files.stamp(path),
        header=files.head(path, SIZE),
        journal=files.stamp(journal),
        journal_header=_head(journal, 28),
        wal=files.stamp(wal),
        wal_header=_head(wal, 32),
    )


def _opened(real: Path, private: Path, shown: str, hashes: bool) -> Opened:
    deadline = time.monotonic() + _PATIENCE
    for attempt in count():
        try:
            found = _attempt(real, private, shown, hashes)
        except OSError as error:
            raise DatabaseUnreadable(
                f"{shown} cannot be read: {error.strerror or error}",
                remedy="check its rights and the space in the temporary folder (TMPDIR)",
            ) from error
        except sqlite3.Error as error:
            if not _passing(error) or time.monotonic() > deadline:
                raise in_words(error, shown) from error
        else:
            if found is not None:
                return found
            if time.monotonic() > deadline:
                break
        time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
    raise DatabaseBusy(
        f"{shown} kept changing while it was being copied",
        remedy="stop the program that writes to it, or give a copy made with `VACUUM INTO` or the backup command",
    )


def _attempt(real: Path, private: Path, shown: str, hashes: bool) -> Opened | None:
    """Open the file in the way that its state asks for; return None where that state moved meanwhile."""
    before = state_of(real)
    size = before.database[2] if before.database else 0
    header = read_header(before.header, size, shown) if size else None
    if (header is None or header.bare) and not before.companions:
        how = "a file of zero bytes, not opened" if header is None else "a bare header, not opened"
        return Opened(connection=_empty(), how=how, files=(_part("", real, hashes),))
    if header and not header.wal and not before.companions and len(os.fsencode(real)) < _LONGEST:
        part = _part("", real, hashes)
        connection = _in_place(real)
        # The shared lock is held from here on and nobody can write: what has the same stamp has the same bytes.
        if hashes and files.stamp(real) != before.database:
            part = _part("", real, hashes)
        return Opened(connection=connection, how="opened in place, mode=ro, one transaction", files=(part,))
    parts = _copied(real, private, before, hashes)
    if parts is None:
        return None
    beside = " and ".join(part.suffix for part in parts if part.suffix)
    how = f"private copy of the file{' with its ' + beside if beside else ''}, one transaction"
    return Opened(connection=_private(private), how=how, files=parts)


def _passing(error: sqlite3.Error) -> bool:
    """Tell whether another attempt may fare better: a lock, or a journal or log that appeared just now."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code == sqlite3.SQLITE_IOERR_LOCK or code & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    )


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _in_place(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(path))}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=_LOCK_WAIT, isolation_level=None)
    # Should the file have turned into a WAL database since its header was read, this makes SQLite fail before it
    # creates anything beside it: a read-only connection cannot get the lock that this asks for there.
    connection.execute("PRAGMA locking_mode = exclusive")
    return _guarded(connection)


def _private(path: Path) -> sqlite3.Connection:
    # The copy is opened for writing, as recovery from its log or journal writes; then nothing more may.
    return _guarded(sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None))


def _guarded(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("PRAGMA temp_store = memory")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copied(real: Path, private: Path, before: State, hashes: bool) -> tuple[Part, ...] | None:
    """Copy the file, then its companions; return None where they moved meanwhile."""
    parts: list[Part] = []
    for suffix in ("", "-wal", "-journal", "-shm"):
        _beside(private, suffix).unlink(missing_ok=True)
    for suffix, present in (("", True), ("-wal", before.wal is not None), ("-journal", before.journal is not None)):
        if present:
            try:
                files.copy(_beside(real, suffix), _beside(private, suffix))
            except FileNotFoundError:
                return None
            parts.append(_part(suffix, _beside(private, suffix), hashes))
    return tuple(parts) if _of_one_piece(before, state_of(real)) else None


def _part(suffix: str, path: Path, hashes: bool) -> Part:
    return Part(suffix=suffix, size=os.stat(path).st_size, sha256=files.sha256(path) if hashes else "")


def _of_one_piece(before: State, after: State) -> bool:
    """Tell whether what was copied between two states is what the database held at one moment.

    A write-ahead log only grows until it is begun anew, and that changes the salts in its header: while they stay, the
    log copied after the file holds every page that may have moved into the file meanwhile, and a torn end of it is cut
    off by its checksums. Anything else has to stand still. Source: the SQLite documentation, "WAL-mode File Format".
    """
    if before.wal_header[:4] in _WAL_MAGICS and len(before.wal_header) == 32 and before.journal is None:
        same_files = _inode(before.database) == _inode(after.database) and _inode(before.wal) == _inode(after.wal)
        return same_files and before.wal_header == after.wal_header and after.journal is None
    return before == after


def _inode(found: files.Stamp | None) -> tuple[int, int] | None:
    return None if found is None else found[:2]


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _head(path: Path, count: int) -> bytes:
    try:
        return files.head(path, count)
    except OSError:
        return b""
