from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from chains import database, table, write

from forensics.chain.load import load_chain
from forensics.history.read import read_histories, recorded
from forensics.model import Hints

TRACKER = """create table schema_versions (id integer primary key, version text unique not null,
applied_at timestamp default current_timestamp, description text, checksum text);"""


@pytest.fixture
def chain(tmp_path):
    names = ["001_start.sql", "002_more.py", "003_a.sql", "003_b.sql", "010_late.sql"]
    return load_chain(write(tmp_path / "m", {name: "def upgrade(c): pass" if ".py" in name else "" for name in names}))


@pytest.fixture
def graph(tmp_path):
    text = "revision = '{}'\ndown_revision = {!r}\ndepends_on = {!r}\ndef upgrade(): pass"
    parts = {"aaaa": (None, None), "bbbb": ("aaaa", None), "cccc": ("aaaa", None), "side": (None, "bbbb")}
    return load_chain(write(tmp_path / "g", {f"{name}.py": text.format(name, *part) for name, part in parts.items()}))


def test_a_tracker_of_the_usual_shape(chain):
    rows = """insert into schema_versions values (1, '001', '2026-02-10 15:38:01', 'first', 'x'),
    (7, '002', '2026-02-10 15:38:02', null, null), (5, '010', null, 'skipped', '');"""
    with database(TRACKER + rows) as reader:
        (own,) = read_histories(reader, chain, zone="America/Los_Angeles")
    assert (own.tool, own.table, own.state, own.keeps) == ("numbered", "schema_versions", "present", "rows")
    assert own.versions == ("001", "010", "002")
    assert [row.row_id for row in own.rows] == [1, 5, 7]
    assert [row.order for row in own.rows] == [1, 2, 3]
    assert own.rows[0].recorded_at == datetime(2026, 2, 10, 23, 38, 1, tzinfo=UTC)
    assert own.rows[1].recorded_at is None
    assert own.assumed_zone == "America/Los_Angeles"
    assert own.rows[0].ref == "schema_versions.version=001"
    assert (own.rows[0].description, own.rows[2].description) == ("first", "")


@pytest.mark.parametrize("value", ["4", "'4'", "'004'", "4.0", "'004_x'", "'004_x.sql'", "x'303034'"])
def test_a_version_may_be_the_number_the_stem_or_the_file(tmp_path, value):
    chain = load_chain(write(tmp_path / "m", {"003_w.sql": "", "004_x.sql": ""}))
    script = table("migrations", "version, applied_at", f"({value}, 1770000000)")
    with database(script) as reader:
        (own,) = read_histories(reader, chain)
    assert own.versions == ("004",)
    assert own.rows[0].recorded_at == datetime(2026, 2, 2, 2, 40, tzinfo=UTC)
    assert own.assumed_zone == ""


def test_a_row_that_names_one_of_two_files_means_that_one(chain):
    with database(table("_migrations", "name text, run_at text", "('003_b.sql', '2026-01-01 00:00:00')")) as reader:
        (own,) = read_histories(reader, chain)
    assert own.versions == ("003_b",)
    assert recorded(chain, own) == ("003_b",)


def test_the_version_column_is_the_one_that_the_files_confirm(chain):
    script = """create table migration_history (id integer primary key, name text, version text, created_at text);
    insert into migration_history values (1, '001_start', '1.4.2', '2026-01-01 00:00:00');
    insert into migration_history values (2, '002_more', '1.4.2', '2026-01-02 00:00:00');"""
    with database(script) as reader:
        (own,) = read_histories(reader, chain)
    assert own.versions == ("001", "002")


@pytest.mark.parametrize("script", [
    table("migrations", "id, animal, season, created_at", "(1, 'goose', 'autumn', '2025-01-01')"),
    table("migrations", "id integer primary key, name, created_at", "(1, 'goose', '2025'), (2, 'stork', '2025')"),
    table("documents", "id integer primary key, version, created_at", "(1, 1, '2025-01-01'), (2, 2, '2025-01-01')"),
    table("documents", "id integer primary key, title, version, applied_at", "(1, 'x', 1, '2025-01-01')"),
    table("schema_migrations", "version integer, dirty boolean", "(3, 0)"),
    table("orders", "id integer primary key, name, executed_at, status", "(1, '001_start', '2025-01-01', 'ok')"),
    table("app_versions", "id integer primary key, version, platform, released", "(1, '001', 'x', 'y')"),
])  # fmt: skip
def test_decoys_are_no_trackers(chain, script):
    with database(script) as reader:
        histories = read_histories(reader, chain)
        assert [(item.table, item.state) for item in histories] == [(None, "absent")]
        assert read_histories(reader, None) == ()
        assert not {"documents", "orders"} & set(reader.fetched) or "version" in script


def test_no_row_of_a_table_that_does_not_look_like_a_tracker_is_read(chain):
    script = (
        TRACKER
        + "create table users (id, name, created_at); create table jobs (id, name, status, created_at, executed_at);"
    )
    with database(script) as reader:
        read_histories(reader, chain)
        assert set(reader.fetched) == {"schema_versions"}


def test_a_tracker_by_an_unusual_name_counts_where_the_files_confirm_it(chain):
    script = table("done", "script text, applied_at text", "('001_start.sql', '2026-01-01 10:00:00')")
    with database(script) as reader:
        (own,) = read_histories(reader, chain)
    assert (own.table, own.versions) == ("done", ("001",))
    with database(script.replace("001_start.sql", "backup.sh")) as reader:
        (own,) = read_histories(reader, chain)
    assert own.state == "absent"


def test_a_tracker_that_knows_only_strange_versions_is_still_the_tracker(chain):
    with database(TRACKER + "insert into schema_versions (version) values ('901'), ('902');") as reader:
        (own,) = read_histories(reader, chain)
    assert (own.state, own.versions, recorded(chain, own)) == ("present", ("901", "902"), ())


def test_empty_and_abandoned_trackers(chain):
    script = TRACKER + table(
        "migration_history", "id integer primary key, migration_name text, batch integer, executed_at text"
    )
    with database(script) as reader:
        own, other = read_histories(reader, chain)
        assert (own.table, own.state) == ("schema_versions", "empty")
        assert (other.table, other.state, other.tool) == ("migration_history", "empty", None)
    with database(
        script
        + "insert into schema_versions (version) values ('001');"
        + "insert into migration_history values (1, '001_old', 1, null);"
    ) as reader:
        own, other = read_histories(reader, chain)
        assert (own.table, other.table, other.versions) == ("schema_versions", "migration_history", ("001_old",))


def test_a_tracker_told_by_the_case_file(chain):
    script = table("odd |name|", "k text, w text, t text", "('002', '2026-01-01T00:00:00Z', 'why')")
    told = {"table": "odd |name|", "version": "k", "applied_at": "w", "description": "t"}
    with database(script) as reader:
        (own,) = read_histories(reader, chain, tracker=told)
        assert (own.versions, own.rows[0].description, own.assumed_zone) == (("002",), "why", "")
        (own,) = read_histories(reader, chain, tracker={**told, "version": "nope"})
        assert own.state == "unreadable"
        assert "names the column nope, but odd |name| has k, w, t" in own.problem
        (own,) = read_histories(reader, chain, tracker={"table": "elsewhere", "version": "k"})
        assert (own.table, own.state) == ("elsewhere", "absent")


def test_rows_that_mark_a_failure_imply_nothing(chain):
    script = table(
        "migrations",
        "version text, applied_at text, status text",
        "('001', null, 'success'), ('002', null, 'FAILED'), ('003', null, 'whatever')",
    )
    with database(script) as reader:
        (own,) = read_histories(reader, chain)
    assert [row.success for row in own.rows] == [True, False, True]
    assert recorded(chain, own) == ("001_start", "003_a", "003_b")


def test_an_unreadable_tracker_is_reported_and_the_rest_is_read(chain):
    with database(TRACKER) as reader:

        def fail(table, columns):
            from forensics.errors import DatabaseUnreadable

            raise DatabaseUnreadable("the page is torn")

        reader.fetch = fail
        (own,) = read_histories(reader, chain)
    assert own.state == "unreadable"
    assert "the page is torn" in own.problem


def test_alembic_keeps_only_the_head(graph):
    with database(table("alembic_version", "version_num varchar(32) not null", "('cccc'), ('side')")) as reader:
        (own,) = read_histories(reader, graph)
    assert (own.keeps, own.versions, own.table) == ("head", ("cccc", "side"), "alembic_version")
    assert own.rows[0].recorded_at is None
    assert set(recorded(graph, own)) == {"aaaa", "bbbb", "cccc", "side"}
    with database(table("alembic_version", "version_num", "('gone')")) as reader:
        (own,) = read_histories(reader, graph)
    assert recorded(graph, own) == ()


def test_alembics_table_may_have_another_name(graph):
    other_app = table("alembic_version", "version_num", "('of another')")
    with database(table("versions_of_app", "version_num varchar(32)", "('bbbb')") + other_app) as reader:
        own, other = read_histories(reader, graph)
        assert (own.table, other.table) == ("versions_of_app", "alembic_version")
        hinted = dataclasses.replace(graph, hints=Hints(version_table="ops.alembic_version"))
        (own, *_) = read_histories(reader, hinted)
        assert own.table == "alembic_version"
        lost = dataclasses.replace(graph, hints=Hints(version_table="nowhere"))
        own, other = read_histories(reader, lost)
        assert (own.state, other.table) == ("absent", "alembic_version")


def test_a_numbered_chain_in_a_database_of_alembic_has_no_tracker_of_its_own(chain):
    with database(table("alembic_version", "version_num", "('003')")) as reader:
        own, other = read_histories(reader, chain)
    assert (own.tool, own.state) == ("numbered", "absent")
    assert (other.tool, other.table) == ("alembic", "alembic_version")


def test_without_a_chain_the_trackers_that_are_unmistakable_are_named():
    with database(TRACKER + "create table alembic_version (version_num);") as reader:
        assert [(item.tool, item.table) for item in read_histories(reader, None)] == [
            ("alembic", "alembic_version"), (None, "schema_versions"),
        ]  # fmt: skip


def test_a_table_that_is_overwritten_at_every_step_keeps_the_head(chain):
    with database(table("schema_version", "version integer", "(3)")) as reader:
        (own,) = read_histories(reader, chain)
    assert (own.keeps, own.versions) == ("head", ("003",))
    assert recorded(chain, own) == ("001_start", "002_more", "003_a", "003_b")
    with database(table("schema_version", "version integer", "(1)")) as reader:
        (own,) = read_histories(reader, chain)
    assert (own.keeps, recorded(chain, own)) == ("rows", ("001_start",))
    with database(table("schema_version", "version integer, applied_at text", "(3, '2026-01-01')")) as reader:
        (own,) = read_histories(reader, chain)
    assert (own.keeps, recorded(chain, own)) == ("rows", ("003_a", "003_b"))


def test_of_a_chain_that_could_not_be_read_no_tracker_is_missing(chain):
    nothing = dataclasses.replace(chain, tool="", migrations=())
    with database(TRACKER) as reader:
        assert [(item.tool, item.table) for item in read_histories(reader, nothing)] == [(None, "schema_versions")]
        told = read_histories(reader, nothing, tracker={"table": "schema_versions", "version": "version"})
        assert told[0].state == "empty"
