"""What a migration tool is to us: the look of its tracker, the memory it keeps, and how its files are read.

An adapter is data. ``fits`` and ``load`` are the two capabilities that are code: they read a folder as text and never
import anything from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from forensics.model import Chain, Hints

Row = Mapping[str, object]
Field = str | tuple[str, ...] | Callable[[Row], object]


class Loader(Protocol):
    """Reads the migration files below ``root`` as text and returns the chain that they form."""

    def __call__(self, root: Path, *, hints: Hints, path: str, name: str) -> Chain:
        """Return the chain; a file that is wrong is a problem in it, never an exception."""


def always(row: Row) -> bool:
    """Count every row as a migration."""
    return True


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One migration tool.

    ``table`` is the usual name of its tracker, ``tables`` a pattern of further names, ``requires`` the columns that
    must be there, ``forbids`` columns that prove another tool, ``siblings`` tables that make it likelier.
    ``fields`` tells where `forensics.model.Applied` finds its fields: a column, several candidates of which the first
    present one counts, or a function of the row. ``keeps``: a ``log`` of attempts, ``rows`` of applied migrations, or
    only the ``head``. ``clock``: ``aware``, ``utc`` by promise, ``session`` (the database's own idea of now),
    ``none``. ``scripts`` is the pattern of the file names. ``fits`` counts the files of a folder that are this
    tool's. ``guessed`` marks a tool whose tracker has no fixed columns: its files must confirm it.
    """

    name: str
    table: str
    fits: Callable[[Path], int]
    load: Loader
    fields: Mapping[str, Field]
    requires: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()
    siblings: frozenset[str] = frozenset()
    tables: str = ""
    keeps: Literal["log", "rows", "head"] = "rows"
    clock: Literal["aware", "utc", "session", "none"] = "session"
    order: tuple[str, ...] = ()
    where: Callable[[Row], bool] = always
    scripts: str = ""
    guessed: bool = False

    def recognises(self, tables: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
        """Return the tables that have the columns of this tool's tracker, each with a score (higher is likelier)."""
        present = {name.casefold() for name in tables}
        found = {}
        for table, columns in tables.items():
            names = {column.casefold() for column in columns}
            if self.requires <= names and not names & self.forbids:
                found[table] = (
                    2 * (table.casefold() == self.table)
                    + len(self.siblings & present)
                    + (names <= self.requires)
                )  # fmt: skip
        return found

    def columns(self, present: Sequence[str]) -> Mapping[str, str]:
        """Return the column of each field that this table has, in the table's own spelling."""
        names = {column.casefold(): column for column in reversed(present)}
        found = {}
        for field, source in self.fields.items():
            if not callable(source):
                candidates = (source,) if isinstance(source, str) else source
                column = next((names[item] for item in candidates if item in names), None)
                if column is not None:
                    found[field] = column
        return found
