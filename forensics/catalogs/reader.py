"""What everything else may ask of an open database, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from forensics.model import Snapshot


class Reader(Protocol):
    """A read-only view of one database. Nothing that it offers writes."""

    @property
    def dialect(self) -> str:
        """The dialect's name: ``sqlite``, ``postgresql`` ..."""

    @property
    def server_version(self) -> str:
        """The version of the server, or of the library that reads the file."""

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of every ordinary table, in the table's own order."""

    def fetch(self, table: str, columns: Sequence[str]) -> list[dict[str, object]]:
        """Return the rows of a table in the order in which it keeps them, with a key ``rowid`` where there is one.

        Raises `DatabaseUnreadable` where the table or a column is not there.
        """

    def snapshot(self) -> Snapshot:
        """Return the schema."""

    def ask(self, query: str) -> str:
        """Return the one value that somebody's query gives, as text.

        Raises `DatabaseUnreadable` where it gives another number of values, writes, takes too long, or cannot be asked.
        """
