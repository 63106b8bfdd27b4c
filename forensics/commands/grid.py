"""Environments x migrations: one grid a chain, also where environments know different files of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The migrations of a chain, and of each environment what is known of them (None: it does not have this one)."""

    chain: str
    migrations: tuple[Document, ...]
    rows: tuple[tuple[str, tuple[Document | None, ...]], ...]


def grids(documents: Sequence[Document]) -> list[Grid]:
    """Return a grid for each chain, in the order of the documents; those without migrations are left out.

    A migration that only some environments know (its file is gone, but its text was found) stands where they have it.
    """
    by_chain: dict[str, list[Document]] = {}
    for document in documents:
        if document["migrations"]:
            by_chain.setdefault((document.get("chain") or {}).get("name", ""), []).append(document)
    return [_grid(chain, found) for chain, found in by_chain.items()]


def _grid(chain: str, documents: Sequence[Document]) -> Grid:
    order: list[str] = []
    known: dict[str, Document] = {}
    for document in documents:
        place = 0
        for item in document["migrations"]:
            if item["id"] in known:
                place = order.index(item["id"]) + 1
            else:
                known[item["id"]] = item
                order.insert(place, item["id"])
                place += 1
    rows = []
    for document in documents:
        own = {item["id"]: item for item in document["migrations"]}
        rows.append((document["environment"]["name"], tuple(own.get(each) for each in order)))
    return Grid(chain=chain, migrations=tuple(known[each] for each in order), rows=tuple(rows))
