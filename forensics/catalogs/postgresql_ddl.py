"""Objects -> the DDL that rebuilds them, in the order of their dependencies. Pure text; nothing here connects.

The statements name what is in ``public`` without its schema, so they are for a connection with the usual
``search_path``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from forensics.catalogs.postgresql_alter import alter, turn
from forensics.catalogs.postgresql_build import FUNCTION, LATE_FUNCTION, SCHEMA, Part, group_parts
from forensics.catalogs.postgresql_clauses import values
from forensics.catalogs.postgresql_names import address, parts, spell
from forensics.model import Group, SchemaObject, Snapshot

__all__ = ["alter", "rebuild", "statements", "turn"]


def statements(objects: Iterable[SchemaObject]) -> tuple[str, ...]:
    """Return the statements that rebuild one group from nothing, in an order that works.

    What the group refers to must be there: the types and functions that it uses, the parents of its foreign keys.
    """
    found = sorted(group_parts(tuple(objects)), key=lambda part: part[0])
    return tuple([text for _, text in found])


def rebuild(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the statements that rebuild a whole database, each after what it needs.

    Extensions are made from the facts of the snapshot. Function bodies are not checked, as they may use what comes
    later.
    """
    found: list[Part] = []
    for name, _ in snapshot.facts:
        if name.startswith("extension ") and name != "extension plpgsql":
            found.append((SCHEMA, f"CREATE EXTENSION IF NOT EXISTS {spell(name.removeprefix('extension '))}"))
    tables = [group.name for group in snapshot.groups if group.objects[0].kind in ("table", "view")]
    for group in _ordered(snapshot.groups):
        made = list(group_parts(group.objects))
        if group.objects[0].kind == "function" and _mentions(made[-1][1], tables):
            made = [(LATE_FUNCTION if phase == FUNCTION else phase, text) for phase, text in made]
        found += made
    found.sort(key=lambda part: part[0])
    texts = list(dict.fromkeys(text for _, text in found))
    if any(group.objects[0].kind == "function" for group in snapshot.groups):
        texts.insert(0, "SET check_function_bodies = off")
    return tuple(texts)


def _mentions(text: str, names: Iterable[str]) -> bool:
    head = text.partition("\nAS ")[0]
    return any(address(name) in head for name in names)


def _ordered(groups: Sequence[Group]) -> Iterator[Group]:
    """Yield groups in their order, save that parents and the views that a view reads come first."""
    by_name = {group.name: group for group in groups}
    views = {}
    for group in groups:
        if group.objects[0].kind in ("view", "materialized_view"):
            schema, name = parts(group.name)
            views[group.name] = f"{spell(schema)}.{spell(name)}"
    done: set[str] = set()

    def visit(group: Group) -> Iterator[Group]:
        if group.name in done:
            return
        done.add(group.name)
        said = values(group.objects[0])
        needs: list[str] = []
        for key in ("partition_of", "inherits"):
            needs += str(said.get(key) or "").split(", ")
        if group.name in views:
            needs += [name for name, full in views.items() if full in str(said["sql"])]
        for name in needs:
            if name in by_name:
                yield from visit(by_name[name])
        yield group

    for group in groups:
        yield from visit(group)
