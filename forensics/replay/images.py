"""What a scratch database on PostgreSQL holds, read through the child: in full, or only what a step touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from forensics.model import Group

Row = tuple[Any, ...]
AskMany = Callable[[list[str]], list[list[Row]]]
_IDENTIFIER = re.compile(r"\((\d+), -?\d+\)|(?<=[{,])(\d+)(?=[,}])")
_ORDER = re.compile(r"\s+ORDER BY (?:\w+\.)?(?:oid|seqrelid)\s*$")
_COUNTS = "others"  # what is counted in the whole database, and in no group
_COMMON = ("schemas", "extensions", "members", _COUNTS)
_OWN = 16384  # from here on identifiers are those of users' objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The groups of one database by the identifier of their table (view, type ...).

    ``beside`` are the (kind, name, text) of the schemas and extensions, ``common`` the rows that concern all groups.
    """

    groups: Mapping[int, Group]
    beside: tuple[tuple[str, str, str], ...] = ()
    common: Mapping[str, list[Row]] = field(default_factory=dict)


class Reading:
    """Reads images of the databases of one server. ``version`` is the number of the server's version."""

    def __init__(self, version: int, ask: AskMany) -> None:
        self.version = version
        self._ask = ask
        self._known: dict[str, list[Row]] = {}

    def templates(self) -> dict[str, Any]:
        """Return the texts with which a child reads by itself what a step touched."""
        from forensics.catalogs.postgresql_sql import closure, queries

        wanted, context = 4294967201, 4294967202  # no object has these: they mark the places
        marks = {f"'{{{wanted}}}'::oid[]": "$1", f"'{{{wanted},{context}}}'::oid[]": "$2"}

        def marked(text: str) -> str:
            for literal, place in marks.items():
                text = text.replace(literal, f"{place}::oid[]")
            # Asked for an order by identifier the server walks through a whole index instead of looking up a few.
            return _ORDER.sub("", text)

        texts = queries(self.version, {wanted}, {context})
        read = {name: marked(text) for name, text in texts.items() if name != _COUNTS}
        return {"near": marked(closure({wanted})), "queries": read}

    def whole(self) -> Image:
        """Return all that is there now."""
        from forensics.catalogs.postgresql_sql import SERVER, queries

        names = queries(self.version)
        asked = [SERVER, *names.values()]
        rows = dict(zip(asked, self._ask(asked), strict=True))
        self._known[SERVER] = rows[SERVER]
        return self._image({name: rows[text] for name, text in names.items()}, rows, None)

    def after(self, before: Image, captured: dict[str, Any]) -> Image:
        """Return what was there before with what a child read again in its place."""
        from forensics.catalogs.postgresql_sql import closure, queries

        only, wanted, context = set(captured["only"]), captured["wanted"], captured["context"]
        names = queries(self.version, wanted, context)
        told = {name: [tuple(row) for row in found] for name, found in captured["rows"].items()}
        by_name = {name: told.get(name, before.common.get(name, [])) for name in names}
        rows = {text: by_name[name] for name, text in names.items()}
        rows[closure(only)] = [*((oid, True) for oid in wanted), *((oid, False) for oid in context)]
        image = self._image(by_name, rows, only)
        merged = {oid: group for oid, group in before.groups.items() if oid not in only}
        merged.update(image.groups)
        return Image(groups=merged, beside=image.beside, common=image.common)

    def _image(self, by_name: Mapping[str, list[Row]], rows: dict[str, list[Row]], only: set[int] | None) -> Image:
        from forensics.catalogs.postgresql_catalog import read

        def answer(sql: str) -> list[Row]:
            found = rows.get(sql)
            if found is None:
                found = self._known.get(sql)
            if found is None:
                found = self._ask([sql])[0]
                # The names of what belongs to the server itself stay the same.
                if all(int(one or other) < _OWN for one, other in _IDENTIFIER.findall(sql)):
                    self._known[sql] = found
            return found

        found = read(answer, only)
        beside = [("schema", str(row[1]), "") for row in by_name["schemas"] if row[1] != "public"]
        beside += [("extension", str(row[1]), str(row[2])) for row in by_name["extensions"] if row[1] != "plpgsql"]
        common = {name: by_name[name] for name in _COMMON}
        return Image(groups=found.groups, beside=tuple(sorted(beside)), common=common)


def number_of(version: str) -> int:
    """Return a version text as ``server_version_num`` tells it: ``15.3`` as 150003."""
    parts = re.findall(r"\d+", version)
    return int(parts[0]) * 10000 + (int(parts[1]) if len(parts) > 1 else 0)


def as_rows(data: Sequence[Sequence[Sequence[Any]]]) -> list[list[Row]]:
    """Return the answers of a child as tuples again."""
    return [[tuple(row) for row in rows] for rows in data]
