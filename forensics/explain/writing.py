"""Write the DDL of changes from outside, in the words of the database at hand."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.catalogs import postgresql_ddl, sqlite_alter
from forensics.catalogs.postgresql_names import address, spell
from forensics.model import Group, SchemaObject
from forensics.sqltext import quote, statement_target


def remove(dialect: str, item: SchemaObject) -> tuple[str, ...]:
    """Return the statements that remove an object."""
    return postgresql_ddl.alter(item, None) if dialect == "postgresql" else sqlite_alter.remove(item)


def add_column(dialect: str, column: SchemaObject) -> tuple[str, ...]:
    """Return the statements that add a column."""
    return postgresql_ddl.alter(None, column) if dialect == "postgresql" else sqlite_alter.add_column(column)


def cascading(dialect: str, item: SchemaObject) -> tuple[str, ...]:
    """Return the statements that remove a table or a view with everything that hangs on it; nothing where a database cannot."""
    if dialect != "postgresql" or item.kind not in ("table", "view", "materialized_view"):
        return ()
    return tuple(f"{text} CASCADE" for text in remove(dialect, item))


def create(dialect: str, item: SchemaObject, group: Group) -> tuple[str, ...]:
    """Return the statement that makes an index or a trigger of a group as it stands there."""
    if dialect == "postgresql":
        return postgresql_ddl.alter(None, item)
    return tuple(text for text in group.source if statement_target(text).name.casefold() == item.name.casefold())[:1]


def rename_table(dialect: str, old: str, new: str) -> str:
    """Return the statement that renames a table (within its schema)."""
    if dialect == "postgresql":
        return f"ALTER TABLE {address(old)} RENAME TO {spell(new.rpartition('.')[2])}"
    return f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}"


def rename_type(_dialect: str, old: str, new: str) -> str:
    """Return the statement that renames an enum (within its schema); only PostgreSQL has them."""
    return f"ALTER TYPE {address(old)} RENAME TO {spell(new.rpartition('.')[2])}"


def rename_column(dialect: str, table: str, old: str, new: str) -> str:
    """Return the statement that renames a column."""
    if dialect == "postgresql":
        return f"ALTER TABLE {address(table)} RENAME COLUMN {spell(old)} TO {spell(new)}"
    return f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}"


def turn(dialect: str, was: Group, now: Group) -> Iterator[tuple[str, ...]]:
    """Yield the changes that turn one state of a group into another."""
    if dialect == "postgresql":
        yield from postgresql_ddl.turn(was, now)
    else:
        yield from sqlite_alter.turn(was, now)
