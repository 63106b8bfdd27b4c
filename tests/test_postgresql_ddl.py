"""DDL from objects: what is rebuilt or altered is what it was made from, says the server itself."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator

import pytest
from postgresql_schemas import EVERYTHING, database, random_schema, run, snapshot

from forensics.catalogs.postgresql_ddl import alter, rebuild, statements, turn
from forensics.diff import diff
from forensics.model import Snapshot
from forensics.replay.cluster import Cluster
from forensics.replay.inside.postmaster import choose

VERSIONS = (16, 18)
Clusters = Callable[[int | None], Cluster]


def dump(cluster: Cluster, name: str, version: int) -> list[str]:
    program = os.path.join(choose(version)[0], "pg_dump")
    text = subprocess.run(
        [program, "--schema-only", "--no-owner", cluster.url(name)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    # The name of a NOT NULL (PostgreSQL 18) says no more than the names of other constraints, and is not kept.
    text = re.sub(r"CONSTRAINT \w+_not_null NOT NULL", "NOT NULL", text)
    return [line for line in text.splitlines() if line.strip() and not line.startswith(("--", "\\"))]


def alters(was: Snapshot, now: Snapshot) -> Iterator[str]:
    """Give the statements for a whole schema, its views apart, as they stand in the way of every change."""
    before, after = dict(was.by_name), dict(now.by_name)
    views = [name for name, group in before.items() if group.objects[0].kind == "view"]
    for name in [*views, *sorted(before.keys() - after.keys() - set(views), reverse=True)]:
        yield from alter(before.pop(name).objects[0], None)
    for name in sorted(before.keys() & after.keys()):
        for made in turn(before[name], after[name]):
            yield from made
    for name in sorted(after.keys() - before.keys()):
        yield from after[name].source


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_is_rebuilt(clusters: Clusters, version: int) -> None:
    cluster = clusters(version)
    with database(cluster, EVERYTHING) as one, database(cluster) as two:
        found = snapshot(one)
        run(two, rebuild(found))
        again = snapshot(two)
        assert diff(found, again) == ()
        assert {group.name: group.trace for group in found.groups} == {group.name: group.trace for group in again.groups}
        assert dump(cluster, one.info.dbname, version) == dump(cluster, two.info.dbname, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(6))
def test_any_schema_is_rebuilt_and_turned_into_any_other(clusters: Clusters, version: int, seed: int) -> None:
    cluster = clusters(version)
    with (
        database(cluster, *random_schema(seed)) as one,
        database(cluster, *random_schema(seed + 1000)) as other,
        database(cluster) as copy,
    ):
        was, now = snapshot(one), snapshot(other)
        run(copy, rebuild(was))
        assert snapshot(copy).layout == was.layout
        assert dump(cluster, one.info.dbname, version) == dump(cluster, copy.info.dbname, version)
        run(one, alters(was, now))
        assert diff(now, snapshot(one)) == ()


def test_the_statements_of_a_group_stand_alone(postgres: Cluster) -> None:
    with database(postgres, EVERYTHING) as connection:
        found = snapshot(connection)
        for name in ("users", "app.orders", "ev", "owned_s", "mood", "email", "pair", "mv", "dup", "a->b"):
            group = found.by_name[name]
            assert group.source == statements(group.objects)
            with connection.transaction(force_rollback=True):
                head = group.objects[0]
                kind = {"table": "TABLE", "sequence": "SEQUENCE", "materialized_view": "MATERIALIZED VIEW"}.get(head.kind, "TYPE")
                spelled = re.sub(r"^(?:[a-z]+\.)?", "", name)
                schema = "app." if name.startswith("app.") else ""
                connection.execute(f'DROP {kind} {schema}"{spelled}" CASCADE')  # type: ignore[call-overload]
                run(connection, group.source)


ALTERED = {
    "an enum grows": ("CREATE TYPE e AS ENUM ('b')", "CREATE TYPE e AS ENUM ('a', 'b', 'it''s')",
                      ["ALTER TYPE e ADD VALUE 'a' BEFORE 'b'", "ALTER TYPE e ADD VALUE 'it''s' AFTER 'b'"]),
    "an enum shrinks": ("CREATE TYPE e AS ENUM ('a', 'b')", "CREATE TYPE e AS ENUM ('a')",
                        ["DROP TYPE e", "CREATE TYPE e AS ENUM ('a')"]),
    "a default": ("CREATE TABLE t (a int)", "CREATE TABLE t (a int DEFAULT 1)", ["ALTER TABLE t ALTER COLUMN a SET DEFAULT 1"]),
    "no default": ("CREATE TABLE t (a int DEFAULT 1)", "CREATE TABLE t (a int)", ["ALTER TABLE t ALTER COLUMN a DROP DEFAULT"]),
    "not null": ("CREATE TABLE t (a int)", "CREATE TABLE t (a int NOT NULL)", ["ALTER TABLE t ALTER COLUMN a SET NOT NULL"]),
    "a type": ("CREATE TABLE t (a int)", "CREATE TABLE t (a bigint)",
               ["ALTER TABLE t ALTER COLUMN a TYPE bigint USING a::bigint"]),
    "a type with a default": (
        "CREATE TABLE t (a int DEFAULT 1)", "CREATE TABLE t (a text DEFAULT 'x')",
        ["ALTER TABLE t ALTER COLUMN a DROP DEFAULT", "ALTER TABLE t ALTER COLUMN a TYPE text USING a::text",
         "ALTER TABLE t ALTER COLUMN a SET DEFAULT 'x'::text"]),
    "a column": ("CREATE TABLE t (a int)", 'CREATE TABLE t (a int, "B c" text NOT NULL)',
                 ['ALTER TABLE t ADD COLUMN "B c" text NOT NULL']),
    "validated": ("CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
                  "CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0))", ["ALTER TABLE t VALIDATE CONSTRAINT c"]),
    "an identity": ("CREATE TABLE t (a int NOT NULL)", "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY)",
                    ["ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY"]),
    "a serial": ("CREATE TABLE t (a int NOT NULL)", "CREATE TABLE t (a serial)",
                 ["CREATE SEQUENCE t_a_seq AS integer", "ALTER TABLE t ALTER COLUMN a SET DEFAULT nextval('t_a_seq'::regclass)",
                  "ALTER SEQUENCE t_a_seq OWNED BY t.a"]),
    "a serial ends": ("CREATE TABLE t (a serial)", "CREATE TABLE t (a int NOT NULL)",
                      ["ALTER TABLE t ALTER COLUMN a DROP DEFAULT", "DROP SEQUENCE t_a_seq"]),
    "a generated column": (
        "CREATE TABLE t (a int, b int)", "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
        ["ALTER TABLE t DROP COLUMN b", "ALTER TABLE t ADD COLUMN b integer GENERATED ALWAYS AS (a + 1) STORED"]),
    "logged": ("CREATE UNLOGGED TABLE t (a int)", "CREATE TABLE t (a int)", ["ALTER TABLE t SET LOGGED"]),
    "detached": ("CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE t PARTITION OF p DEFAULT",
                 "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE t (a int)",
                 ["ALTER TABLE p DETACH PARTITION t"]),
    "a sequence": ("CREATE SEQUENCE t", "CREATE SEQUENCE t INCREMENT 5",
                   ["ALTER SEQUENCE t INCREMENT BY 5 NO MINVALUE NO MAXVALUE START WITH 1 CACHE 1 NO CYCLE"]),
    "a domain": ("CREATE DOMAIN t AS int CONSTRAINT c CHECK (VALUE > 0)", "CREATE DOMAIN t AS int NOT NULL CONSTRAINT d CHECK (VALUE > 1)",
                 ["ALTER DOMAIN t SET NOT NULL", "ALTER DOMAIN t DROP CONSTRAINT c",
                  "ALTER DOMAIN t ADD CONSTRAINT d CHECK ((VALUE > 1))"]),
    "a view": ("CREATE VIEW t AS SELECT 1 AS a", "CREATE VIEW t AS SELECT 2 AS b", ["DROP VIEW t", "CREATE VIEW t AS\n SELECT 2 AS b"]),
    "a function": ("CREATE FUNCTION t(a int) RETURNS int LANGUAGE sql AS 'select 1'",
                   "CREATE FUNCTION t(a int) RETURNS text LANGUAGE sql AS 'select 1::text'", None),
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERED)
def test_one_change(postgres: Cluster, name: str) -> None:
    before, after, expected = ALTERED[name]
    with database(postgres, before) as one, database(postgres, after) as two:
        was, now = snapshot(one), snapshot(two)
        made = [text for group in was.groups for each in turn(group, now.by_name[group.name]) for text in each]
        run(one, made)
        done = diff(now, snapshot(one))
        assert [change for change in done if change.subject.table is None or name != "detached"] == []
        if expected is not None:
            assert [re.sub(r"AS\n *SELECT", "AS\n SELECT", text) for text in made] == expected


def test_nothing_to_do() -> None:
    assert alter(None, None) == ()
    assert statements(()) == ()
