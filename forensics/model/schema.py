"""What a schema is made of: objects, the groups they live in, and a snapshot of all of them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Scalar = str | int | float | bool | None
Attrs = tuple[tuple[str, Scalar], ...]
Key = tuple[str, str, str]

KINDS = (
    "table", "column", "primary_key", "foreign_key", "unique", "check", "index", "view",
    "materialized_view", "trigger", "sequence", "enum", "domain", "function",
)  # fmt: skip


def digest(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON-able value in its canonical spelling."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaObject:
    """One object of a schema, in the normalised form in which it is compared.

    ``ident`` says which object of its kind and table it is: the (case-folded) name, or for a constraint its
    structure, so that generated names do not matter. ``meaning`` is what counts as drift when it differs.
    ``trace`` is what an author left behind without changing the meaning (declared type, constraint name, spelling
    of a default): it supports attribution and is never drift. ``position`` is the ordinal of a column (from 1).
    """

    kind: str
    table: str | None
    name: str
    ident: str
    meaning: Attrs = ()
    trace: Attrs = ()
    position: int | None = None

    @property
    def key(self) -> Key:
        """The identity by which two snapshots are matched."""
        return (self.kind, (self.table or "").casefold(), self.ident)


class _Draft:
    """A schema object that is not frozen yet: the same fields, and a constructor that just sets them."""

    # The order of the fields, which makes both classes one layout.
    __slots__ = ("kind", "table", "name", "ident", "meaning", "trace", "position")  # noqa: RUF023

    def __init__(
        self, kind: str, table: str | None, name: str, ident: str, meaning: Attrs, trace: Attrs, position: int | None
    ) -> None:
        self.kind = kind
        self.table = table
        self.name = name
        self.ident = ident
        self.meaning = meaning
        self.trace = trace
        self.position = position


def made(
    kind: str, table: str | None, name: str, ident: str, meaning: Attrs, trace: Attrs, position: int | None = None
) -> SchemaObject:
    """Return an object as its class would make it, in a quarter of the time: a database has ten thousand of them."""
    item: Any = _Draft(kind, table, name, ident, meaning, trace, position)
    item.__class__ = SchemaObject
    found: SchemaObject = item
    return found


def by_kind_of(objects: Iterable[SchemaObject]) -> Mapping[str, Sequence[SchemaObject]]:
    """Return objects by their kind, in their order."""
    found: dict[str, list[SchemaObject]] = defaultdict(list)
    for item in objects:
        found[item.kind].append(item)
    return dict(found)


@dataclass(frozen=True, kw_only=True)
class Group:
    """One table (or view, sequence, type ...) with everything that belongs to it.

    ``source`` are the stored statements of the group exactly as the database keeps them, in the database's own
    order (``sqlite_master.sql``); empty where a database does not keep them.
    """

    name: str
    objects: tuple[SchemaObject, ...]
    source: tuple[str, ...] = ()

    @cached_property
    def by_key(self) -> Mapping[Key, SchemaObject]:
        """The objects by their identity."""
        return {item.key: item for item in self.objects}

    @cached_property
    def meaning(self) -> str:
        """Digest of what the group means: no spelling, no generated names, no column order."""
        return digest(sorted([*item.key, list(map(list, item.meaning))] for item in self.objects))

    @cached_property
    def trace(self) -> str:
        """Digest of meaning, spelling and column order."""
        return digest(sorted(
            [*item.key, list(map(list, item.meaning)), list(map(list, item.trace)), item.position or 0]
            for item in self.objects
        ))  # fmt: skip

    @cached_property
    def layout(self) -> str:
        """Digest of meaning and column order."""
        return digest(sorted(
            [*item.key, list(map(list, item.meaning)), item.position or 0] for item in self.objects
        ))  # fmt: skip

    @cached_property
    def written(self) -> str:
        """Digest of the stored statements, whatever the order of their lines: what a batch rebuild leaves is not ordered."""
        return digest(sorted(sorted(line.strip(" \t,") for line in text.splitlines()) for text in self.source))

    @cached_property
    def text(self) -> str:
        """Digest of the stored statements, letter by letter."""
        return digest(list(self.source))


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The schema of one database at one moment.

    ``groups`` are in the database's own order of creation where it keeps one (the row order of ``sqlite_master``),
    else sorted by name. ``facts`` are physical numbers (``schema_version``, ``user_version`` ...). ``internal`` names
    the objects that are the database's own or a migration tool's and never count as drift.
    """

    dialect: str
    server_version: str = ""
    groups: tuple[Group, ...] = ()
    facts: tuple[tuple[str, Scalar], ...] = ()
    internal: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Group]:
        """The groups by their case-folded name."""
        return {group.name.casefold(): group for group in self.groups}

    @cached_property
    def by_key(self) -> Mapping[Key, SchemaObject]:
        """Every object by its identity."""
        return {item.key: item for group in self.groups for item in group.objects}

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[SchemaObject]]:
        """The objects of each kind that there is, group by group."""
        return by_kind_of(self.objects)

    @property
    def objects(self) -> Iterator[SchemaObject]:
        """Every object, group by group."""
        return (item for group in self.groups for item in group.objects)

    @cached_property
    def fingerprint(self) -> str:
        """``fp1:`` and a digest of the meaning of the schema."""
        return "fp1:" + digest(sorted([group.name.casefold(), group.meaning] for group in self.groups))[:32]

    @cached_property
    def layout(self) -> str:
        """``fp1:`` and a digest of the meaning of the schema and its column order."""
        return "fp1:" + digest(sorted([group.name.casefold(), group.layout] for group in self.groups))[:32]

    def without(self, names: frozenset[str]) -> Snapshot:
        """Return this snapshot without the groups of these (case-folded) names, which become ``internal``."""
        gone = tuple(group.name for group in self.groups if group.name.casefold() in names)
        if not gone:
            return self
        return Snapshot(
            dialect=self.dialect,
            server_version=self.server_version,
            groups=tuple(group for group in self.groups if group.name.casefold() not in names),
            facts=self.facts,
            internal=tuple(sorted({*self.internal, *gone})),
        )
