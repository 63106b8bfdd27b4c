"""The catalogue of SQLite: a snapshot is a function of the texts in ``sqlite_master``, group by group.

SQLite itself keeps nothing about a schema but these texts and parses them whenever it opens the file, so reading them
once is complete, and cheaper than asking the pragma functions about every table. (The tests compare the result with
the pragma functions.) A group whose texts were seen before is not read again: it is the identical object.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

from forensics.catalogs.asking import ask_sqlite
from forensics.catalogs.collector import collector_at_rest
from forensics.catalogs.sqlite_objects import Built, Row, build
from forensics.errors import DatabaseBusy, DatabaseUnreadable
from forensics.model import Group, Scalar, Snapshot
from forensics.sqltext import name_key, quote

MASTER_SQL = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid"

Parents = tuple[tuple[str, tuple[str, ...]], ...]
R = TypeVar("R")
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\s+TABLE\b", re.IGNORECASE)
_SHADOWS = re.compile(
    r"(?:data|idx|content|docsize|config|segments|segdir|stat|node|rowid|parent|vocab"
    r"|info|chunks|rowids|auxiliary|vector_chunks\d+|metadatachunks\d+|metadatatext\d+)\Z"
)


class _Split(NamedTuple):
    """The rows of each group, and the names that are SQLite's own."""

    groups: list[tuple[Row, ...]]
    internal: tuple[str, ...]


def groups(master: Sequence[Row]) -> tuple[Group, ...]:
    """Return the groups that these rows of ``sqlite_master`` (see `MASTER_SQL`) stand for.

    A pure function that never fails: a text that cannot be understood becomes a table whose meaning is its folded
    text. Groups are in the order of their first row; equal texts give the identical object. SQLite's own tables and
    the shadow tables of virtual tables are left out.
    """
    return _groups(_split(master).groups)


class Growth(NamedTuple):
    """Groups that can be added to: their rows, their primary keys, and themselves, by key; ``waiting`` are the tables
    that are referred to by their primary key and were not there.
    """

    rows: Mapping[str, tuple[Row, ...]]
    keys: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, Group]
    waiting: frozenset[str]


def growth(master: Sequence[Row]) -> Growth:
    """Return the groups of these rows so that `grow` can add to them."""
    split = _split(master).groups
    rows = {name_key(item[0][2]): item for item in split}
    built = {key: _built(item) for key, item in rows.items()}
    keys = {name_key(item.group.name): item.key for item in built.values()}
    wanted = {name for item in built.values() for name in item.parents}
    groups = dict(zip(rows, _groups(split), strict=True))
    return Growth(rows, keys, groups, frozenset(name for name in wanted if name not in keys))


def grow(before: Growth, added: Sequence[Row], turned: Sequence[Row] = ()) -> Growth | None:
    """Return the groups with these rows appended; None where that may change other groups than those of the rows.

    ``turned`` are rows of tables that have more columns now than before.
    """
    fresh: dict[str, list[Row]] = {}
    for row in added:
        key = name_key(row[2])
        if row[3] is None:
            continue
        if key.startswith("sqlite_") or key in before.waiting or _VIRTUAL.match(row[3]):
            return None
        fresh.setdefault(key, []).append(row)
    rows, keys, groups = dict(before.rows), dict(before.keys), dict(before.groups)
    for row in turned:
        key = name_key(row[2])
        if row[3] is None or key not in rows:
            return None
        rows[key] = tuple([row if known[0] == "table" else known for known in rows[key]])
        fresh.setdefault(key, [])
    for key, items in fresh.items():
        rows[key] = (*rows.get(key, ()), *items)
        built = _built(rows[key])
        keys[name_key(built.group.name)] = built.key
    waiting = set(before.waiting)
    for key in fresh:
        built = _built(rows[key])
        if built.parents:
            waiting.update(name for name in built.parents if name not in keys)
            built = _built(rows[key], tuple([(name, keys.get(name, ())) for name in built.parents]))
        groups[key] = built.group
    return Growth(rows, keys, groups, frozenset(waiting))


def internal(master: Sequence[Row]) -> tuple[str, ...]:
    """Return the names of the tables that `groups` leaves out, sorted."""
    return _split(master).internal


def _split(master: Sequence[Row]) -> _Split:
    found: dict[str, list[Row]] = {}
    virtual: list[str] = []
    for row in master:
        if row.__class__ is not tuple:
            row = (row[0], row[1], row[2], row[3])
        kind, _, table, sql = row
        if sql is None:
            continue
        key = name_key(table)
        rows = found.get(key)
        if rows is None:
            found[key] = [row]
        else:
            rows.append(row)
        if kind == "table" and sql[:16].upper().find("VIRTUAL") > 0 and _VIRTUAL.match(sql):
            virtual.append(key)
    own = [key for key in found if key.startswith("sqlite_")]
    for key in virtual:
        prefix = key + "_"
        own += [name for name in found if name.startswith(prefix) and _SHADOWS.match(name, len(prefix))]
    names = {found.pop(key)[0][2] for key in own if key in found}
    return _Split([tuple(rows) for rows in found.values()], tuple(sorted(names)))


@lru_cache(maxsize=1 << 14)
def _built(rows: tuple[Row, ...], parents: Parents = ()) -> Built:
    return build(rows, dict(parents))


def _groups(split: Sequence[tuple[Row, ...]]) -> tuple[Group, ...]:
    built = [_built(rows) for rows in split]
    if any(item.parents for item in built):
        # A foreign key that names no columns means the parent's primary key, which stands in the parent's group.
        keys = {name_key(item.group.name): item.key for item in built}
        built = [
            _built(rows, tuple([(name, keys.get(name, ())) for name in item.parents])) if item.parents else item
            for rows, item in zip(split, built, strict=True)
        ]
    return tuple([item.group for item in built])


def snapshot(connection: sqlite3.Connection) -> Snapshot:
    """Return the schema of an open database, read in one transaction and without writing anything.

    Raises `DatabaseBusy` where the database is locked and `DatabaseUnreadable` where it cannot be read.
    """

    def read() -> Snapshot:
        begin = not connection.in_transaction
        if begin:
            connection.execute("BEGIN")
        try:
            master = _rows(connection, MASTER_SQL)
            facts = _facts(connection)
        finally:
            if begin:
                connection.rollback()
        with collector_at_rest():
            split = _split(master)
            return Snapshot(
                dialect="sqlite", server_version=sqlite3.sqlite_version, groups=_groups(split.groups), facts=facts,
                internal=split.internal,
            )  # fmt: skip

    return _guarded(read)


def _facts(connection: sqlite3.Connection) -> tuple[tuple[str, Scalar], ...]:
    names = ("schema_version", "user_version", "application_id", "encoding", "page_count", "journal_mode")
    facts = {name: _rows(connection, f"PRAGMA {name}")[0][0] for name in names}
    # The header only knows two formats; delete, truncate and persist are a connection's choice, not the file's.
    if facts["journal_mode"] not in ("wal", "memory"):
        facts["journal_mode"] = "rollback"
    return tuple(facts.items())


def _rows(connection: sqlite3.Connection, sql: str) -> list[Any]:
    cursor = connection.cursor()
    cursor.row_factory = None
    factory = connection.text_factory
    try:
        connection.text_factory = str
        return cursor.execute(sql).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
        # Text that is no UTF-8 is still evidence.
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        return cursor.execute(sql).fetchall()
    finally:
        connection.text_factory = factory
        cursor.close()


def _guarded(read: Callable[[], R]) -> R:
    try:
        return read()
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            remedy = "try again when its writer is done"
            raise DatabaseBusy(f"the database is in use ({text})", remedy=remedy) from error
        remedy = "check the file with PRAGMA integrity_check"
        raise DatabaseUnreadable(f"SQLite cannot read it ({text})", remedy=remedy) from error


class SqliteReader:
    """A `Reader` of an open SQLite connection; see `forensics.catalogs.reader`. The schema is read once."""

    dialect = "sqlite"
    server_version = sqlite3.sqlite_version

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @cached_property
    def _snapshot(self) -> Snapshot:
        return snapshot(self._connection)

    def snapshot(self) -> Snapshot:
        """Return the schema."""
        return self._snapshot

    @cached_property
    def _columns(self) -> Mapping[str, tuple[str, ...]]:
        found = {
            group.name: tuple(item.name for item in group.objects if item.kind == "column")
            for group in self._snapshot.groups
        }
        return {name: columns for name, columns in found.items() if columns}

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of every ordinary table, in the table's own order."""
        return self._columns

    def fetch(self, table: str, columns: Sequence[str]) -> list[dict[str, object]]:
        """Return the rows of a table, in the order of their rowid where there is one (key ``rowid``).

        Raises `DatabaseUnreadable` where the table or a column is not there.
        """
        taken = {name_key(name) for name in self._columns.get(table, ())}
        group = self._snapshot.by_name.get(table.casefold())
        flat = group is not None and any(("without_rowid", True) in item.meaning for item in group.objects)
        alias = next((name for name in ("rowid", "_rowid_", "oid") if name not in taken), "") if not flat else ""
        # Qualified names: SQLite reads an unknown "name" on its own as a string.
        chosen = [f"t.{quote(name)}" for name in columns]
        selected = ", ".join([f"t.{alias}", *chosen] if alias else chosen) or "1"
        order = f" ORDER BY t.{alias}" if alias else ""
        rows = _guarded(lambda: _rows(self._connection, f"SELECT {selected} FROM {quote(table)} AS t{order}"))
        names = ["rowid", *columns] if alias else list(columns)
        return [dict(zip(names, row, strict=False)) for row in rows]

    def ask(self, query: str) -> str:
        """Return the one value of somebody's query; see `ask_sqlite`."""
        return ask_sqlite(self._connection, query)
