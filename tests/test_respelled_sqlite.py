"""Random schemas of SQLite: in other words they are the same, with one change they are not."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from respelled_sqlite import Speller, changed, schema

from forensics.catalogs.sqlite import snapshot
from forensics.diff import name_only
from forensics.model import Snapshot

PARTS = 4
EACH = 75


def read(script: str) -> Snapshot:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(script)
        return snapshot(connection)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_same_in_other_words(part: int) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        tables = schema(seed)
        plain = Speller().script(tables)
        for way in range(3):
            other = Speller(1000 * seed + way).script(tables)
            one, two = read(plain), read(other)
            found = name_only(one, two)
            assert found.changes == (), (seed, plain, other)
            assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize("part", range(PARTS))
def test_one_change_of_meaning_is_seen_where_it_is(part: int) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        tables = schema(seed)
        plain = read(Speller().script(tables))
        for way in range(3):
            other, name = changed(tables, 1000 * seed + way)
            script = Speller(1000 * seed + way).script(other)
            found = name_only(plain, read(script)).changes
            assert found, (seed, way, script)
            where = {(item.subject.table or item.subject.name).casefold() for item in found}
            assert where <= {name.casefold(), f"v_{name}".casefold()}, (seed, way, script)
