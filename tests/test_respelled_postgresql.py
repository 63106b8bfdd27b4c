"""Random tables of PostgreSQL: in other words, and after a dump and its return, they are the same; with one change they are not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from functools import cache

import psycopg
import pytest
from postgresql_schemas import snapshot
from respelled_postgresql import FEATURES, script, tables

from forensics.diff import name_only
from forensics.model import Change, Snapshot
from forensics.replay.cluster import Cluster
from forensics.replay.inside.postmaster import choose

VERSIONS = (16, 18)
TABLES = tables(40)
Databases = Callable[[int, str], Snapshot]


@pytest.fixture(scope="module")
def databases(clusters: Callable[[int | None], Cluster]) -> Databases:
    """Databases by version and kind: ``plain``, ``other`` words, ``wrong``, ``dumped``."""

    @cache
    def of(version: int, kind: str) -> Snapshot:
        cluster = clusters(version)
        cluster.create(f"respelled_{kind}", "template0")
        if kind == "dumped":
            of(version, "plain")
            returned(cluster, version, "plain")
        with psycopg.connect(cluster.url(f"respelled_{kind}"), autocommit=True) as connection:
            if kind != "dumped":
                connection.execute("CREATE SCHEMA kinds")
                for number, (name, features) in enumerate(TABLES.items()):
                    for statement in script(name, features, None if kind == "plain" else number, wrong=kind == "wrong"):
                        connection.execute(statement)
            return snapshot(connection)

    return of


def returned(cluster: Cluster, version: int, kind: str) -> None:
    """Read a dump of a database into the one for it."""
    folder = choose(version, None)[0]
    dump = subprocess.run([f"{folder}/pg_dump", "-d", cluster.url(f"respelled_{kind}")], capture_output=True, check=True)
    command = [f"{folder}/psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", cluster.url("respelled_dumped")]
    subprocess.run(command, input=dump.stdout, check=True, capture_output=True)


def told(changes: Iterable[Change]) -> list[str]:
    return [
        f"{item.state} {item.subject.kind} {item.subject.table} {item.subject.name} {item.attributes or item.subject.ident}"
        for item in changes
    ]


def owner(item: Change) -> str:
    """Return the table that an object was made with."""
    return (item.subject.table or item.subject.name).removeprefix("kinds.").split("_")[0]


def test_every_feature_is_there() -> None:
    assert {name for features in TABLES.values() for name in features} == set(FEATURES)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_in_other_words(databases: Databases, version: int) -> None:
    assert told(name_only(databases(version, "plain"), databases(version, "other")).changes) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dump_that_was_read_again_is_the_same(databases: Databases, version: int) -> None:
    assert told(name_only(databases(version, "plain"), databases(version, "dumped")).changes) == []


@pytest.mark.parametrize("kind", ["plain", "other", "dumped"])
def test_two_versions_are_the_same(databases: Databases, kind: str) -> None:
    assert told(name_only(databases(16, "plain"), databases(18, kind)).changes) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_one_change_of_meaning_is_seen_where_it_is(databases: Databases, version: int) -> None:
    found = name_only(databases(version, "plain"), databases(version, "wrong"))
    assert {owner(item) for item in found.changes} == set(TABLES)
