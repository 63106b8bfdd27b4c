"""Write the DDL of changes from outside, in the words of the database at hand."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.catalogs import postgresql_ddl, sqlite_alter
from forensics.catalogs.postgresql_names import address, spell
from forensics.model import Group, Key, SchemaObject
from forensics.sqltext import quote

Item = tuple[int, Key, SchemaObject | None, SchemaObject | None]
# What must go before what it stands on, and come after it.
_ORDER = ("trigger", "index", "foreign_key", "check", "unique", "primary_key", "column", "table")


def remove(dialect: str, item: SchemaObject) -> tuple[str, ...]:
    """Return the statements that remove an object."""
    return postgresql_ddl.alter(item, None) if dialect == "postgresql" else sqlite_alter.remove(item)


def add_column(dialect: str, column: SchemaObject) -> tuple[str, ...]:
    """Return the statements that add a column."""
    return postgresql_ddl.alter(None, column) if dialect == "postgresql" else sqlite_alter.add_column(column)


def rename_table(dialect: str, old: str, new: str) -> str:
    """Return the statement that renames a table (within its schema)."""
    if dialect == "postgresql":
        return f"ALTER TABLE {address(old)} RENAME TO {spell(new.rpartition('.')[2])}"
    return f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}"


def rename_column(dialect: str, table: str, old: str, new: str) -> str:
    """Return the statement that renames a column."""
    if dialect == "postgresql":
        return f"ALTER TABLE {address(table)} RENAME COLUMN {spell(old)} TO {spell(new)}"
    return f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}"


def turn(dialect: str, was: Group, now: Group) -> Iterator[tuple[str, ...]]:
    """Yield the changes that turn one state of a group into another."""
    if dialect != "postgresql":
        yield from sqlite_alter.turn(was, now)
        return
    gone: list[Item] = []
    altered: list[Item] = []
    new: list[Item] = []
    for key in was.by_key.keys() | now.by_key.keys():
        old, other = was.by_key.get(key), now.by_key.get(key)
        if old is not None and other is not None and old.meaning == other.meaning:
            continue
        place = _ORDER.index(key[0]) if key[0] in _ORDER else 0
        (gone if other is None else new if old is None else altered).append((place, key, old, other))
    ranked = [*sorted(gone), *sorted(altered), *sorted(new, key=lambda item: (-item[0], item[1]))]
    for _place, _key, old, other in ranked:
        statements = postgresql_ddl.alter(old, other)
        if statements:
            yield statements
