"""The scratch database: one file in a private folder, and the contents it has had, kept as bytes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from .record import Connection

Row = tuple[str, str, str, "str | None"]
MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"
_ADDED = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE rowid > ? ORDER BY rowid"
_TABLE = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE AND rowid <= ?"
)
_LITTLE, _OFTEN = 1 << 16, 32
_PAGE = 1024
_connect = sqlite3.connect  # kept: it is replaced while a migration runs


class Scratch:
    """Hold database contents by number and put one of them in place. The empty database is number 0 until `settle`."""

    dialect = "sqlite"

    def __init__(self, folder: str, authorizer: Callable[..., int], budget: int = 256 * 1024 * 1024) -> None:
        self.path = os.path.join(folder, "scratch.db")
        self.url = "sqlite:///" + self.path
        self.authorizer = authorizer
        self.budget = budget
        self._held: OrderedDict[int, bytes] = OrderedDict({0: b""})
        self._weight = 0
        self._next = 1
        self._steps = 0
        self._kept: Connection | None = None
        self._level: Any = ""
        self.placed = 0
        self.lost: list[int] = []
        self.top = 0

    def holds(self, number: int) -> bool:
        """Whether the content of this number can still be put in place."""
        return number in self._held or number == self.placed

    def place(self, number: int) -> None:
        """Put a content in place, as a new file, so that nothing that still has the old one open can reach it.

        What is in place already stays, and with it the connection that is kept open.
        """
        if number == self.placed and self._kept is not None:
            return
        self.part()
        if number == self.placed and number not in self._held:
            return
        content = self._held[number]
        if number:
            self._held.move_to_end(number)
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)
        with open(self.path, "wb") as file:
            file.write(content)
        if self.placed not in self._held:
            self.lost.append(self.placed)
        self.placed = number
        self.top = 0

    def part(self) -> None:
        """Close the connection that is kept open between steps."""
        if self._kept is not None:
            self._kept.keeps = False
            self._kept.close()
        self._kept = None

    def again(self) -> Connection:
        """Return a connection that stays open for the next step, unless this one changes more than the database."""
        if self._kept is None or not self._kept.open:
            self._kept = self.connect()
            self._level = self._kept.isolation_level
        else:
            self._kept.isolation_level = self._level
            self._kept.enlist()
        self._kept.keeps = True
        return self._kept

    def counter(self) -> bytes:
        """Return what the header says of the number of changes, with the size of the file."""
        with open(self.path, "rb", buffering=0) as file:
            return file.read(28)[24:] + str(os.fstat(file.fileno()).st_size).encode()

    def advance(self) -> int:
        """Give what is in place now a number of its own. Its content is kept where that costs little, or from time to time."""
        number = self._next
        if os.path.getsize(self.path) <= _LITTLE or self._steps >= _OFTEN:
            self.keep(self.content())
            self._steps = 0
        else:
            self._steps += 1
            self._next += 1
        if self.placed not in self._held:
            self.lost.append(self.placed)
        self.placed = number
        return number

    def content(self) -> bytes:
        """Return the bytes of the file in place. Every connection must be closed."""
        with open(self.path, "rb") as file:
            return file.read()

    def keep(self, content: bytes) -> int:
        """Keep a content and return its number; the least recently used ones go when there are too many."""
        number = self._next
        self._next += 1
        self._held[number] = content
        self._weight += len(content)
        while self._weight > self.budget and len(self._held) > 2:
            oldest = next(item for item in self._held if item)
            self._weight -= len(self._held.pop(oldest))
            if oldest != self.placed:
                self.lost.append(oldest)
        return number

    def settle(self, content: bytes) -> None:
        """Make this the empty database: what is there before the first migration."""
        self._held[0] = content

    def connect(self, **options: Any) -> Connection:
        """Open the scratch database: recorded, authorized, and quick, since nothing of it has to survive."""
        connection = _connect(self.path, factory=Connection, **options)
        assert isinstance(connection, Connection)
        cursor = connection.plain()
        if not os.path.getsize(self.path):
            cursor.execute(f"PRAGMA page_size={_PAGE}")
        cursor.execute("PRAGMA journal_mode=MEMORY").fetchall()
        cursor.execute("PRAGMA synchronous=OFF")
        connection.set_authorizer(self.authorizer)
        return connection

    def tables(self, connection: Connection, names: Iterable[str]) -> list[Row]:
        """Return the rows of ``sqlite_master`` of tables that were there before, on a connection that is open."""
        cursor = sqlite3.Cursor(connection)
        return [row for name in names for row in cursor.execute(_TABLE, (name, self.top))]

    def master(self, connection: Connection | None = None, beyond: int = 0) -> list[Row]:
        """Return the rows of ``sqlite_master`` in their order: all, or those that were added after the row ``beyond``."""
        query, given = (MASTER, ()) if not beyond else (_ADDED, (beyond,))
        bare = connection if connection is not None and connection.open else _connect(self.path)
        bare.text_factory = str
        cursor = sqlite3.Cursor(bare)
        try:
            found = list(cursor.execute(query, given))
            self.top = cursor.execute("SELECT max(rowid) FROM sqlite_master").fetchone()[0] or 0
        finally:
            if bare is not connection:
                bare.close()
        return found
