"""Every migration ran, and then a person changed one thing: that is told, and no migration is accused of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import chains
import psycopg
import pytest
from cases import Scene, causes, check_schema, executed

import forensics as fx
from forensics.replay.cluster import Cluster

Document = dict[str, Any]
CHAIN = {
    "001_people.sql": "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20));\n",
    "002_things.sql": "CREATE TABLE things (a INTEGER, b INTEGER, c VARCHAR(9) DEFAULT 'x' CHECK (c <> ''));\n"
    "CREATE INDEX things_a ON things (a);\nCREATE VIEW shown AS SELECT id FROM people;\n",
    "003_more.sql": "ALTER TABLE things ADD COLUMN d INTEGER DEFAULT 1;\nCREATE UNIQUE INDEX things_d ON things (d, b);\n",
    "004_last.sql": "CREATE TABLE last (x INTEGER);\n",
}
# What was done, and the name of an object that must be told.
EITHER = {
    "an index on other columns": ("DROP INDEX things_a; CREATE INDEX things_a ON things (b)", "things_a"),
    "an index altered in every way": ("DROP INDEX things_a; CREATE UNIQUE INDEX things_a ON things (a, b) WHERE b > 1", "things_a"),
    "another index in its place": ("DROP INDEX things_a; CREATE UNIQUE INDEX ix_things ON things (a)", "ix_things"),
    "both indexes replaced": (
        "DROP INDEX things_a; DROP INDEX things_d; CREATE INDEX one ON things (b); CREATE INDEX two ON things (c)", "two",
    ),
    "an index less": ("DROP INDEX things_d", "things_d"),
    "an index more": ("CREATE INDEX more ON things (c)", "more"),
    "a column more": ("ALTER TABLE things ADD COLUMN e INTEGER", "e"),
    "columns more and an index less": (
        "ALTER TABLE things ADD COLUMN e INTEGER; ALTER TABLE things ADD COLUMN f INTEGER; DROP INDEX things_a", "f",
    ),
    "a column renamed": ("ALTER TABLE things RENAME COLUMN b TO bb", "bb"),
    "a table renamed": ("ALTER TABLE last RENAME TO final", "final"),
    "a table less": ("DROP TABLE last", "last"),
    "a table more": ("CREATE TABLE more (a INTEGER); CREATE INDEX more_a ON more (a)", "more"),
    "a view replaced": ("DROP VIEW shown; CREATE VIEW shown AS SELECT name FROM people", "shown"),
    "a view less": ("DROP VIEW shown", "shown"),
}  # fmt: skip
# A table that is gone whole leaves nothing on PostgreSQL that tells whether it was ever there.
POSTGRESQL = {what: done for what, done in EITHER.items() if what != "a table less"} | {
    "a type": ("ALTER TABLE things ALTER a TYPE bigint", "a"),
    "a default": ("ALTER TABLE things ALTER c SET DEFAULT 'y'", "c"),
    "a type and a default": ("ALTER TABLE things ALTER d DROP DEFAULT, ALTER d TYPE bigint", "d"),
    "a check replaced": ("ALTER TABLE things DROP CONSTRAINT things_c_check, ADD CHECK (c <> 'y')", "things_c_check"),
    "a key more": ("ALTER TABLE things ADD PRIMARY KEY (a)", "things_pkey"),
    "a reference": ("ALTER TABLE things ADD FOREIGN KEY (a) REFERENCES people ON DELETE CASCADE", "things_a_fkey"),
    "an index that broke off": ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'things_a'::regclass", "things_a"),
    "rows": ("ALTER TABLE last SET UNLOGGED", "last"),
}  # fmt: skip
ACCUSATIONS = {"recorded-not-executed", "partially-executed", "executed-not-recorded", "out-of-order", "masked-create"}


def judged(document: Document, name: str) -> None:
    check_schema(document)
    assert not causes(document) & ACCUSATIONS, [item["summary"] for item in document["findings"]]
    assert set(executed(document).values()) == {"yes"}
    assert name in {item["name"] for finding in document["findings"] for item in finding["objects"]}


@pytest.mark.parametrize("what", EITHER)
def test_on_sqlite(tmp_path: Path, what: str) -> None:
    done, name = EITHER[what]
    scene = Scene(tmp_path, CHAIN)
    scene.run(*CHAIN)
    scene.record("001", "002", "003", "004")
    scene.sql(done)
    judged(scene.diagnose(), name)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory, clusters: Callable[[int | None], Cluster]) -> dict[str, Document]:
    """What is diagnosed of a database for each of these changes."""
    root, cluster = tmp_path_factory.mktemp("hand"), clusters(16)
    chains.write(root / "migrations", CHAIN)
    cluster.create("hand")
    with psycopg.connect(cluster.url("hand"), autocommit=True) as connection:
        connection.execute("CREATE TABLE schema_versions (id serial PRIMARY KEY, version text NOT NULL, applied_at timestamptz)")
        for name, text in CHAIN.items():
            with connection.transaction():
                connection.execute(text)
                connection.execute("INSERT INTO schema_versions (version, applied_at) VALUES (%s, now())", (name[:3],))
    lines = ['[chains.main]\npath = "migrations"\ngit = "none"\n']
    for number, (done, _) in enumerate(POSTGRESQL.values()):
        cluster.create(f"hand_{number}", "hand")
        with psycopg.connect(cluster.url(f"hand_{number}"), autocommit=True) as connection:
            connection.execute(done)
        lines.append(f'[environments.e{number}]\nurl = "{cluster.url(f"hand_{number}")}"\n')
    (root / "forensics.toml").write_text("\n".join(lines))
    found = {item["environment"]["name"]: item for item in fx.open_case(root / "forensics.toml").document()["environments"]}
    return {what: found[f"e{number}"] for number, what in enumerate(POSTGRESQL)}


@pytest.mark.parametrize("what", POSTGRESQL)
def test_on_postgresql(documents: dict[str, Document], what: str) -> None:
    judged(documents[what], POSTGRESQL[what][1])
