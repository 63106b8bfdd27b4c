"""Every other dialect through SQLAlchemy's Inspector: the parts of a schema that all databases share.

What this cannot see is not compared: triggers, functions, sequences, types of their own, partitions, comments, the method
and the predicate of an index, and whatever the dialect's Inspector leaves out. Types and defaults are compared as the
dialect spells them, and there are no statements to rebuild from (`Group.source` is empty), so nothing is replayed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from forensics.errors import DatabaseUnreadable
from forensics.model import Attrs, Group, SchemaObject, Snapshot
from forensics.sqltext import fold, name_key, spell

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint

LIMITS = "triggers, functions, sequences, types, partitions, comments, index methods and predicates"

Keyed = Mapping[tuple[str | None, str], Any]


class InspectorReader:
    """A `Reader` of an open SQLAlchemy connection; see `forensics.catalogs.reader`. The schema is read once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> str:
        """The name of the dialect, as SQLAlchemy calls it."""
        return self._connection.dialect.name

    @property
    def server_version(self) -> str:
        """The version of the server."""
        return ".".join(map(str, getattr(self._connection.dialect, "server_version_info", None) or ()))

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of every table, in the table's own order."""
        return {
            group.name: tuple(item.name for item in group.objects if item.kind == "column")
            for group in self._snapshot.groups
            if group.objects[0].kind == "table"
        }

    def fetch(self, table: str, columns: Sequence[str]) -> list[dict[str, object]]:
        """Return the rows of a table in the order in which the database gives them.

        Raises `DatabaseUnreadable` where the table or a column is not there or may not be read.
        """
        import sqlalchemy as sa

        source = sa.table(table, *(sa.column(name) for name in columns))
        try:
            with self._connection.begin_nested():
                rows = self._connection.execute(sa.select(*source.c)).all()
        except sa.exc.SQLAlchemyError as error:
            said = getattr(error, "orig", None) or type(error).__name__
            raise DatabaseUnreadable(f"{table} cannot be read: {said}") from error
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def ask(self, query: str) -> str:
        """Refuse: nothing here keeps a query of somebody's from writing, or from taking for ever."""
        raise DatabaseUnreadable(f"queries are not asked of a {self.dialect} database")

    def snapshot(self) -> Snapshot:
        """Return the schema, as far as the Inspector shows it (see the module's own text)."""
        return self._snapshot

    @cached_property
    def _snapshot(self) -> Snapshot:
        import sqlalchemy as sa

        inspector = sa.inspect(self._connection)

        def many(name: str) -> Keyed:
            try:
                found: Keyed = getattr(inspector, f"get_multi_{name}")()
            except NotImplementedError:
                return {}
            return found

        parts = {name: many(name) for name in (
            "columns", "pk_constraint", "foreign_keys", "unique_constraints", "check_constraints", "indexes",
        )}  # fmt: skip
        groups = [Group(name=key[1], objects=tuple(self._table(key, parts))) for key in parts["columns"]]
        for name in inspector.get_view_names():
            text = fold(str(inspector.get_view_definition(name) or ""))
            view = SchemaObject(kind="view", table=None, name=name, ident=name_key(name), meaning=(("sql", text),))
            groups.append(Group(name=name, objects=(view,)))
        return Snapshot(
            dialect=self.dialect,
            server_version=self.server_version,
            groups=tuple(sorted(groups, key=lambda group: group.name)),
            facts=(("not compared", LIMITS),),
        )

    def _table(self, key: tuple[str | None, str], parts: Mapping[str, Keyed]) -> Iterator[SchemaObject]:
        table = key[1]
        yield SchemaObject(kind="table", table=None, name=table, ident=name_key(table))
        for position, column in enumerate(parts["columns"][key], 1):
            yield self._column(table, column, position)
        primary = parts["pk_constraint"].get(key) or {}
        if primary.get("constrained_columns"):
            shown = _listed(primary["constrained_columns"])
            yield _constraint("primary_key", table, primary.get("name"), "", (("columns", shown),))
        seen: dict[tuple[str, str], int] = defaultdict(int)
        for item in self._constraints(table, key, parts):
            seen[item.kind, item.ident] += 1
            if seen[item.kind, item.ident] == 1:
                yield item
        for index in parts["indexes"].get(key) or ():
            # What stands behind a unique constraint is that constraint.
            if index.get("duplicates_constraint"):
                continue
            terms = [
                spell(name) if name is not None else str(text)
                for name, text in zip(
                    index["column_names"], index.get("expressions") or index["column_names"], strict=True
                )
            ]
            meaning = (("unique", bool(index["unique"])), ("columns", ", ".join(terms)))
            name = str(index["name"])
            yield SchemaObject(kind="index", table=table, name=name, ident=name_key(name), meaning=meaning)

    def _column(self, table: str, column: Mapping[str, Any], position: int) -> SchemaObject:
        name = str(column["name"])
        default = column.get("default")
        meaning: Attrs = (
            ("type", column["type"].compile(dialect=self._connection.dialect)),
            ("notnull", not column["nullable"]),
            ("default", None if default is None else str(default)),
        )
        computed = column.get("computed")
        if computed:
            meaning += (("generated", fold(str(computed["sqltext"]))), ("stored", bool(computed.get("persisted"))))
        if column.get("identity") or column.get("autoincrement") is True:
            meaning += (("identity", "by default"),)
        return SchemaObject(
            kind="column", table=table, name=name, ident=name_key(name), meaning=meaning, position=position
        )

    def _constraints(
        self, table: str, key: tuple[str | None, str], parts: Mapping[str, Keyed]
    ) -> Iterator[SchemaObject]:
        for item in parts["foreign_keys"].get(key) or ():
            yield _foreign_key(table, item)
        for item in parts["unique_constraints"].get(key) or ():
            yield _constraint("unique", table, item.get("name"), _listed(item["column_names"]), ())
        for item in parts["check_constraints"].get(key) or ():
            yield _constraint("check", table, item.get("name"), fold(str(item["sqltext"])), ())


def _foreign_key(table: str, item: ReflectedForeignKeyConstraint) -> SchemaObject:
    options = item.get("options") or {}
    parent = item["referred_table"]
    if item.get("referred_schema"):
        parent = f"{item['referred_schema']}.{parent}"
    ident = f"{_listed(item['constrained_columns'])}->{spell(parent)}({_listed(item['referred_columns'])})"
    return _constraint("foreign_key", table, item.get("name"), ident, (
        ("on_update", str(options.get("onupdate") or "no action").lower()),
        ("on_delete", str(options.get("ondelete") or "no action").lower()),
        ("deferrable", bool(options.get("deferrable"))),
    ))  # fmt: skip


def _constraint(kind: str, table: str, name: str | None, ident: str, meaning: Attrs) -> SchemaObject:
    return SchemaObject(
        kind=kind, table=table, name=name or ident or str(dict(meaning).get("columns", "")), ident=ident,
        meaning=meaning, trace=(("name", name),) if name else (),
    )  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(spell, names))
