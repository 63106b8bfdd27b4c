"""Remove what the hint ``setup`` has made, so that a stored schema can be put in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from forensics.catalogs import postgresql_ddl, sqlite_alter
from forensics.model import Group

_KIND = re.compile(r"DROP (?:FOREIGN TABLE|MATERIALIZED VIEW|\w+) ")


def clearing(dialect: str, groups: Iterable[Group]) -> tuple[str, ...]:
    """Return the statements that remove groups with everything that belongs to them, what was made last first."""
    return tuple(text for group in reversed(tuple(groups)) for text in _removal(dialect, group))


def _removal(dialect: str, group: Group) -> Iterator[str]:
    for item in group.objects:
        if item.table is not None:
            continue
        if dialect == "sqlite":
            yield from sqlite_alter.remove(item)
            continue
        for text in postgresql_ddl.alter(item, None):  # one may have gone with another
            yield _KIND.sub(lambda found: f"{found[0]}IF EXISTS ", text, count=1) + " CASCADE"
