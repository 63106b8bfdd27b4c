"""The scratch database: one file in a private folder, and the contents it has had, kept as bytes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from .record import Connection

Row = tuple[str, str, str, "str | None"]
MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"
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

    def holds(self, number: int) -> bool:
        """Whether the content of this number can still be put in place."""
        return number in self._held

    def place(self, number: int) -> bytes:
        """Put a content in place as a new file, so that nothing that still has the old one open can reach it."""
        content = self._held[number]
        if number:
            self._held.move_to_end(number)
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)
        with open(self.path, "wb") as file:
            file.write(content)
        return content

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

    def master(self, connection: Connection | None = None) -> list[Row]:
        """Return the rows of ``sqlite_master`` in their order."""
        if connection is not None and connection.open:
            connection.text_factory = str
            return list(connection.plain().execute(MASTER))
        bare = _connect(self.path)
        try:
            return list(bare.execute(MASTER))
        finally:
            bare.close()
