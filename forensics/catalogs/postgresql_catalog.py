"""Reading the catalogue of PostgreSQL through whatever runs a query: a driver here, or a child process elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from forensics.catalogs.collector import collector_at_rest
from forensics.catalogs.postgresql_groups import Assembly, Catalogue
from forensics.catalogs.postgresql_normal import numbers
from forensics.catalogs.postgresql_objects import Row
from forensics.catalogs.postgresql_sql import SERVER, class_query, closure, queries, type_query
from forensics.errors import DatabaseUnreadable

__all__ = ["Ask", "Catalogue", "read"]

Ask = Callable[[str], list[Any]]
AskMany = Callable[[list[str]], list[list[Any]]]

_OLDEST = 130000


def read(ask: Ask, only: Iterable[int] | None = None, *, many: AskMany | None = None) -> Catalogue:
    """Read the catalogue through ``ask``, which runs one query and returns its rows; ``many`` runs several at once.

    The caller sees to it that ``search_path`` is empty and that all runs in one transaction. With ``only`` (object
    identifiers of any catalogue) just the groups of these objects and of their direct dependents are read.
    Raises `DatabaseUnreadable` where the server is older than version 13.
    """
    server = ask(SERVER)[0]
    if server[0] < _OLDEST:
        raise DatabaseUnreadable(
            f"the server is PostgreSQL {server[1].split()[0]}, and versions from 13 on can be read",
            remedy="read a copy of the database on a newer server",
        )
    wanted, context = None, set[int]()
    if only is not None:
        found = ask(closure(only))
        wanted = {oid for oid, read_it in found if read_it}
        context = {oid for oid, _ in found} - wanted
    if many is None:
        many = partial(_one_by_one, ask)
    texts = queries(server[0], wanted, context)
    rows = dict(zip(texts, many(list(texts.values())), strict=True))
    for name in ("relations", "columns", "constraints", "indexes"):
        # By identifier (and number): no two rows have the same, so nothing after it is ever compared.
        rows[name].sort()
    types = {(row[3], row[4]) for row in rows["columns"]}
    collations = {row[8] for row in rows["columns"]} | {row[8] for row in rows["types"]}
    collations |= {oid for text in {row[10] for row in rows["indexes"]} for oid in numbers(text)}
    classes = {oid for text in {row[8] for row in rows["indexes"]} for oid in numbers(text)}
    methods = {row[3] for row in rows["indexes"]}
    naming = [class_query(classes, collations, methods), *([type_query(types)] if types else [])]
    rows["named"], rows["named types"] = [*many(naming), []][:2]
    if only is None:
        for known, made_of in _recent:
            # Nothing has changed since: the identical groups, with all that was worked out about them.
            if known == (server, rows):
                return made_of
    with collector_at_rest():
        made_now = Assembly(rows).catalogue(server)
    if only is None:
        _recent.appendleft(((server, rows), made_now))
    return made_now


def _one_by_one(ask: Ask, texts: list[str]) -> list[list[Any]]:
    return [ask(text) for text in texts]


# What was read last, as a comparison of rows costs a tenth of putting them together.
_recent: deque[tuple[tuple[Row, Mapping[str, list[Row]]], Catalogue]] = deque(maxlen=2)
