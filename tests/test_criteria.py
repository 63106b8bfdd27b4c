"""Is it over? Criteria of a case file: each kind met, not met and not to be told; live and from saved evidence."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cases import Document, Scene, check_schema, one, shop, toml
from documents import HOSTILE
from test_acquire_postgresql import evidence as postgres_evidence

import forensics as fx
from forensics.acquire import acquire
from forensics.case.spec import CaseFile, ChainSpec, Criterion, EnvironmentSpec
from forensics.catalogs.asking import ask_postgresql, ask_sqlite
from forensics.catalogs.postgresql import read_only
from forensics.cli import main
from forensics.conclusions.criteria import judge, tally
from forensics.errors import CaseError, DatabaseUnreadable
from forensics.logs.watch import Wanted
from forensics.replay.cluster import Cluster
from forensics.report import sections as show

ALL = ("001", "002", "003", "004")
LINE = "2026-02-10 {}:00,000 ERROR app: GET /orders failed: no such column: notes\n"
# The scene records its four rows from 10:01 to 10:04.


def write(scene: Scene, *criteria: Mapping[str, object]) -> Path:
    """Write the case file with these criteria; each has its kind as text where it names none."""
    file = scene.write()
    lines = [file.read_text(encoding="utf-8")]
    for item in criteria:
        lines += ["[[criteria]]", *(f"{key} = {toml(value)}" for key, value in {"text": str(item), **item}.items()), ""]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def judged(scene: Scene, *criteria: Mapping[str, object]) -> list[Document]:
    document = fx.open_case(write(scene, *criteria))[scene.name].document
    check_schema(document)
    return document["criteria"]


def met(scene: Scene, **criterion: object) -> bool | None:
    (answer,) = judged(scene, criterion)
    return answer["met"]


def test_table_column_and_index(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("CREATE VIEW late AS SELECT * FROM orders")
    assert met(scene, table="ORDERS") is True
    assert met(scene, table='"orders"') is True
    assert met(scene, table="late") is False  # a view is no table
    assert met(scene, table="order") is False
    assert met(scene, column="orders.notes") is True
    assert met(scene, column="orders.note") is False
    assert met(scene, column="nothing.notes") is False
    assert met(scene, index="orders_by_customer") is True
    assert met(scene, index="orders.orders_by_customer") is True
    assert met(scene, index="tags.orders_by_customer") is False


def test_names_with_dots_and_quotes_are_found(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql('CREATE TABLE "a.b" ("c.d" TEXT)')
    assert met(scene, table="a.b") is True
    assert met(scene, column="a.b.c.d") is True
    assert met(scene, column="a.b.c") is False


def test_an_empty_and_an_unreadable_database(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"001_a.sql": "CREATE TABLE a (id);\n"})
    scene.database.touch()
    (table, migration, query) = judged(
        scene, {"table": "a"}, {"migration": "001"}, {"query": "SELECT count(*) FROM a", "expect": 0}
    )
    assert (table["met"], migration["met"], query["met"]) == (False, False, None)
    assert "the database is empty" in table["found"]
    scene.database.write_bytes(b"no database at all\n" * 99)
    for answer in judged(scene, {"table": "a"}, {"migration": "001"}, {"no_cause": "pending"}):
        assert answer["met"] is None
        assert "read" in answer["found"]


def test_a_migration_that_ran_in_part_or_whose_run_nothing_decides(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003", recorded=ALL)
    scene.edit("005_quiet.sql", "UPDATE orders SET notes = '';\n")
    scene.edit("006_two.sql", "CREATE TABLE one (id);\nCREATE TABLE two (id);\n")
    scene.sql("CREATE TABLE one (id)")
    scene.record("005", "006")
    answers = judged(scene, *({"migration": name} for name in ("003", "004", "005", "006_two", "006_two.sql", "099")))
    assert [item["met"] for item in answers] == [True, False, None, False, False, None]
    assert "in part" in answers[3]["found"]
    assert "no migration 099" in answers[5]["found"]


def test_no_cause(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", recorded=ALL)
    (bad, good, log) = judged(
        scene, {"no_cause": "recorded-not-executed"}, {"no_cause": "foreign-chain"}, {"no_cause": "race"}
    )
    assert (bad["met"], good["met"], log["met"]) == (False, True, None)
    assert bad["found"].startswith("F1 (critical)")
    assert bad["evidence"][0]["ref"] == "F1"
    assert "none was read" in log["found"]
    scene.log("2026-02-10 10:00:00,000 INFO app: started\n")
    assert met(scene, no_cause="race") is True


@pytest.mark.parametrize(
    ("query", "expect", "answer"),
    [
        ("SELECT count(*) FROM customers", 2, True),
        ("SELECT count(*) FROM customers", 3, False),
        ("SELECT count(*) FROM customers;", "2.0", True),
        ("SELECT name FROM customers WHERE id = 1", "Ann", True),
        ("SELECT name FROM customers WHERE id = 1", "ann", False),
        ("SELECT count(*) > 0 FROM customers", True, True),
        ("SELECT max(name) FROM customers WHERE id > 9", "NULL", True),
        ("WITH a AS (SELECT 1 AS x) SELECT x FROM a", 1, True),
        ("SELECT name FROM customers", "Ann", None),
        ("SELECT id, name FROM customers LIMIT 1", 1, None),
        ("SELECT id FROM customers WHERE id > 9", 1, None),
        ("SELECT * FROM nothing", 1, None),
        ("DELETE FROM customers", 2, None),
        ("SELECT 1; DROP TABLE customers", 1, None),
        ("ATTACH DATABASE 'other.db' AS other", 1, None),
        ("PRAGMA user_version = 7", 0, None),
        ("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n", 1, None),
    ],
)
def test_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, expect: object, answer: bool | None) -> None:
    monkeypatch.setattr("forensics.catalogs.asking.LIMIT", 0.3)
    scene = shop(tmp_path, *ALL)
    scene.sql("INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bob')")
    before = scene.database.read_bytes()
    (item,) = judged(scene, {"query": query, "expect": expect})
    assert item["met"] is answer, item["found"]
    assert scene.database.read_bytes() == before
    assert not (tmp_path / "other.db").exists()
    if answer is None:
        assert item["found"].startswith("the query failed: ")


def test_a_value_is_shown_redacted_and_cut(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql("INSERT INTO customers VALUES (1, ?)", "password=hunter2 " + "x" * 9000)
    (item,) = judged(scene, {"query": "SELECT name FROM customers", "expect": "secret=other"})
    text = json.dumps(item)
    assert item["met"] is False
    assert "hunter2" not in text
    assert "other" not in item["found"]
    assert len(item["found"]) < 400
    stored = (tmp_path / ".forensics" / "evidence" / "app" / "evidence.json").read_text()
    assert "hunter2" not in stored
    assert "x" * 300 not in stored


def test_rows_change_the_answer_and_nothing_else(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    asked = {"query": "SELECT count(*) FROM customers", "expect": 0}
    assert met(scene, **asked) is True
    scene.sql("INSERT INTO customers VALUES (1, 'Ann')")
    assert met(scene, **asked) is False
    assert met(scene, **{**asked, "expect": 1}) is True


def test_saved_evidence_answers_as_the_live_database_does(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.log(LINE.format("09:00"))
    criteria = (
        {"query": "SELECT count(*) FROM customers", "expect": 0},
        {"log_silent": "no such column"},
        {"table": "orders"},
        {"query": "SELECT count(*) FROM orders", "expect": 0},
    )
    live = judged(scene, *criteria)
    scene.database.unlink()
    (tmp_path / "app.log").unlink()
    saved = fx.open_case(write(scene, *criteria), evidence=True)["app"].document["criteria"]
    assert saved == live
    # A question that nobody had asked then.
    more = fx.open_case(write(scene, {"query": "SELECT 1", "expect": 1}, {"log_silent": "orders"}), evidence=True)["app"]
    assert [item["met"] for item in more.document["criteria"]] == [None, False]
    assert "not asked when this evidence was read" in more.document["criteria"][0]["found"]


def test_a_log_is_silent_since_a_time(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    assert met(scene, log_silent="no such column") is None  # there is no log
    scene.log(LINE.format("09:00") + LINE.format("10:02"))
    wanted = {"log_silent": "NO SUCH  column: *notes"}
    (whole, none, since, later, last) = judged(
        scene, wanted, {"log_silent": "no such table"}, {**wanted, "since": "2026-02-10T10:02:00Z"},
        {**wanted, "since": "2026-02-10T10:02:01Z"}, {**wanted, "since": "last-migration"},
    )  # fmt: skip
    assert (whole["met"], none["met"], since["met"], later["met"], last["met"]) == (False, True, False, True, True)
    assert "2 times, the last: 2026-02-10T10:02:00Z (app.log:2)" in whole["found"]
    assert "not after the last recorded migration (2026-02-10T10:04:00Z)" in whole["found"]
    assert last["found"].startswith("not since 2026-02-10T10:04:00Z (the last recorded migration)")
    scene.log(LINE.format("10:05"))
    assert met(scene, **wanted, since="last-migration") is False


def test_a_log_without_times_and_a_tracker_without_times_decide_nothing(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.log('{"level": "error", "msg": "no such column"}\n')
    assert met(scene, log_silent="no such column", since="last-migration") is None
    scene.log(LINE.format("10:05"))
    scene.sql("UPDATE schema_versions SET applied_at = NULL")
    assert met(scene, log_silent="no such column", since="last-migration") is None
    assert met(scene, log_silent="nowhere", since="last-migration") is True


def test_a_long_log_need_not_be_kept_to_be_searched(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    dull = "".join(f"2026-02-10 09:00:00,000 INFO app: request {number} is served\n" for number in range(7000))
    scene.log(f"{dull}2026-02-10 09:30:00,000 INFO app: the needle\n{dull}")
    (item,) = judged(scene, {"log_silent": "the needle"})
    assert item["met"] is False
    assert "app.log:7001" in item["found"]
    assert met(scene, log_silent="another needle") is True


def test_what_could_not_be_read_is_not_silent(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    packed = gzip.compress((LINE.format("09:00") + "2026-02-10 09:00:00,000 INFO app: fine\n" * 5000).encode())
    (tmp_path / "app.log").write_bytes(packed[:-20])
    scene.logs = ["app.log"]
    (absent, there) = judged(scene, {"log_silent": "needle"}, {"log_silent": "no such column"})
    assert (absent["met"], there["met"]) == (None, False)
    assert "could not be read to its end" in absent["found"]


def test_a_line_of_no_known_format_counts_too(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.log('DROP INDEX of nobody\n{"time": "2026-02-10T09:00:00Z", "msg": "a"}\nDROP INDEX again\n')
    (item,) = judged(scene, {"log_silent": "drop index"})
    assert item["met"] is False
    assert item["found"].startswith("2 times, the last: at a time that no log tells")


@pytest.mark.parametrize(
    ("wanted", "text", "there"),
    [
        ("drop index *runs", "x DROP\n\tINDEX ix_runs", True),
        ("a*b*c", "a" * 2000 + "b" * 2000, False),
        ("*", "anything", False),
        ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", False),
        ("b*a", "a b", False),
    ],
)
def test_texts_are_no_patterns_that_run_away(wanted: str, text: str, there: bool) -> None:
    assert Wanted(wanted).within(text) is there


def test_criteria_of_some_environments_only(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    file = write(scene, {"table": "orders", "environment": "app"}, {"table": "nothing", "environment": ["other"]})
    text = file.read_text() + '[environments.other]\nurl = "sqlite:///other.db"\n'
    file.write_text(text)
    (tmp_path / "other.db").touch()
    fleet = fx.open_case(file).document()
    check_schema(fleet)
    assert [item["subject"] for item in fleet["environments"][0]["criteria"]] == ["orders"]
    assert fleet["criteria"] == [
        {"text": "{'table': 'orders', 'environment': 'app'}", "kind": "table", "subject": "orders", "met": ["app"],
         "not_met": [], "cannot_tell": []},
        {"text": "{'table': 'nothing', 'environment': ['other']}", "kind": "table", "subject": "nothing", "met": [],
         "not_met": ["other"], "cannot_tell": []},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("criterion", "words"),
    [
        ({"tabel": "x"}, r"unknown key 'tabel' in \[criteria\[1\]\]; did you mean 'table'"),
        ({}, "needs exactly one of .*; say what is checked"),
        ({"table": "x", "index": "y"}, "not table and index; write one"),
        ({"table": ""}, r"criteria\[1\].table is empty; write it as"),
        ({"migration": 4}, "must be text in quotes, not a number"),
        ({"column": "x"}, "without its table; write it as column = "),
        ({"no_cause": "recorded-not-exekuted"}, "did you mean 'recorded-not-executed'"),
        ({"query": "SELECT 1"}, "a query without expect"),
        ({"query": "SELECT 1", "expect": [1]}, "must be one value"),
        ({"table": "x", "expect": 1}, "belongs to a query"),
        ({"table": "x", "since": "2026-01-01"}, "belongs to log_silent"),
        ({"log_silent": "x", "since": "yesterday"}, 'is no time; write it as .* or "last-migration"'),
        ({"table": "x", "environment": "ap"}, "names 'ap'; did you mean 'app'"),
    ],
)
def test_mistakes_are_named_with_the_way_out(tmp_path: Path, criterion: dict[str, object], words: str) -> None:
    with pytest.raises(CaseError, match=words):
        fx.open_case(write(shop(tmp_path), criterion))


def test_criteria_without_a_text(tmp_path: Path) -> None:
    file = shop(tmp_path).write()
    file.write_text(file.read_text() + '[[criteria]]\ntable = "x"\n')
    with pytest.raises(CaseError, match="lacks 'text'"):
        fx.open_case(file)


def test_hostile_texts_are_shown_as_text(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.sql(f'CREATE TABLE "{HOSTILE.replace(chr(34), chr(34) * 2)}" (id)')
    case = fx.open_case(write(scene, {"text": HOSTILE, "table": HOSTILE}, {"text": HOSTILE, "log_silent": HOSTILE}))
    diagnosis = case["app"].diagnosis
    for shown in (show.criteria(diagnosis), show.criteria(case.fleet()), diagnosis._repr_markdown_()):
        assert shown is not None
        assert "<script" not in str(shown)
        assert not re.search(r"(?<!\\)\]\(http", str(shown))
        # The row of a hostile text has as many cells as the head.
        rows = [line for line in str(shown).splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows if "a&#124;b" in line or "---" in line}) <= 2
    assert "<script" not in diagnosis._repr_html_()


def test_frames_have_their_columns_also_when_empty(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    empty = fx.open_case(write(scene))["app"].diagnosis.criteria
    full = fx.open_case(write(scene, {"table": "orders"}, {"migration": "099"}))["app"].diagnosis.criteria
    kinds = {"criterion": "str", "kind": "str", "subject": "str", "met": "boolean", "found": "str", "evidence": "str"}
    for frame, rows in ((empty, 0), (full, 2)):
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == kinds
        assert len(frame) == rows
    assert full["met"].isna().tolist() == [False, True]
    fleet = fx.open_case(write(scene, {"table": "orders"})).fleet().criteria
    assert list(fleet.columns) == ["criterion", "kind", "subject", "environment", "met", "found"]


def test_the_exit_code_does_not_depend_on_criteria(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = shop(tmp_path, *ALL)
    assert main(["--case", str(write(scene, {"text": "It is over", "table": "nothing"})), "diagnose"]) == 0
    text = capsys.readouterr().out
    assert "Is it over? No: of 1 criterion 1 is not met." in text
    assert "not met     It is over: there is no table nothing" in text
    assert main(["--case", str(write(scene, {"text": "It is over", "table": "orders"})), "diagnose"]) == 0
    assert "Is it over? Yes: the one criterion is met." in capsys.readouterr().out
    assert main(["--case", str(write(scene)), "diagnose"]) == 0
    assert "Is it over?" not in capsys.readouterr().out


def test_a_criterion_that_changes_waits_for_no_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = shop(tmp_path, *ALL)
    judged(scene, {"table": "orders"})
    monkeypatch.setattr("forensics.conclusions.diagnose.diagnose", lambda *_, **__: pytest.fail("it was diagnosed again"))
    assert met(scene, table="nothing") is False


@pytest.fixture
def indexed(postgres: Cluster) -> Iterator[str]:
    script = (
        "CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, age int); CREATE SEQUENCE counter;"
        "INSERT INTO users VALUES (1, 'a', 3), (2, 'b', 3);"
        "CREATE SCHEMA ops; CREATE TABLE ops.jobs (id int); CREATE INDEX jobs_id ON ops.jobs (id)"
    )
    postgres.create("criteria")
    address = postgres.url("criteria")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(script)
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY users_age ON users (age)")
    yield address
    postgres.drop("criteria")


def answers(address: str, root: Path, *criteria: Criterion) -> list[Document]:
    spec = EnvironmentSpec(name="dev", root=root, url="postgresql://", address=address, chain="main")
    case = CaseFile(
        title="t", name="t", root=root, chains=(ChainSpec(name="main", path="migrations", root=root),), environments=(spec,),
        criteria=criteria,
    )  # fmt: skip
    document: dict[str, Any] = {"environment": {"name": "dev", "state": "ok"}, "findings": [], "migrations": []}
    return judge(criteria, acquire(spec, case), document)


def criterion(kind: str, subject: str, expect: str = "") -> Criterion:
    return Criterion(text=subject, kind=kind, subject=subject, expect=expect)


def test_an_invalid_index_is_not_there(indexed: str, tmp_path: Path) -> None:
    (invalid, key, named, table, column) = answers(
        indexed, tmp_path, criterion("index", "users_age"), criterion("index", "users_email_key"),
        criterion("index", "ops.jobs_id"), criterion("table", "jobs"), criterion("column", "public.users.email"),
    )  # fmt: skip
    assert invalid["met"] is False
    assert "INVALID" in invalid["found"]
    assert [item["met"] for item in (key, named, table, column)] == [True] * 4


@pytest.mark.parametrize(
    ("query", "expect", "answer"),
    [
        ("SELECT count(*) FROM users", "2", True),
        ("SELECT count(*) FROM ops.jobs;", "1", False),
        ("SELECT count(*) = 2 FROM users -- all", "true", True),
        ("SELECT max(age)::numeric(9, 3) FROM users", "3", True),
        ("SELECT '100%'", "100%", True),
        ("SELECT email FROM users", "a", None),
        ("SELECT * FROM nothing", "1", None),
        ("SELECT 1; COMMIT; DELETE FROM users", "1", None),
        ("DELETE FROM users RETURNING 1", "1", None),
        ("WITH gone AS (DELETE FROM users RETURNING 1) SELECT count(*) FROM gone", "2", None),
        ("SELECT nextval('counter')", "1", None),
        ("SELECT pg_sleep(60)", "", None),
        ("COMMIT", "", None),
        ("SELECT set_config('transaction_read_only', 'off', false)", "off", None),
    ],
)
def test_queries_on_postgresql(
    indexed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, expect: str, answer: bool | None
) -> None:
    monkeypatch.setattr("forensics.catalogs.asking.LIMIT", 0.3)
    (item, after) = answers(indexed, tmp_path, criterion("query", query, expect), criterion("query", "SELECT 1", "1"))
    assert item["met"] is answer, item["found"]
    assert after["met"] is True
    with psycopg.connect(indexed) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (2,)
    assert postgres_evidence(indexed, tmp_path).snapshot is not None


def test_asking_leaves_the_transaction_as_it_was(indexed: str) -> None:
    with psycopg.connect(indexed, autocommit=True) as connection, read_only(connection):
        assert ask_postgresql(connection, "SELECT count(*) FROM users") == "2"
        with pytest.raises(DatabaseUnreadable, match="nothing"):
            ask_postgresql(connection, "SELECT * FROM nothing")
        assert connection.execute("SHOW search_path").fetchone() == ('""',)
        assert connection.execute("SHOW statement_timeout").fetchone() == ("30s",)


def test_asking_sqlite_leaves_the_connection_as_it_was(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        with pytest.raises(DatabaseUnreadable, match="only a SELECT"):
            ask_sqlite(connection, "CREATE TABLE t (id)")
        connection.execute("CREATE TABLE t (id)")
        assert ask_sqlite(connection, "SELECT count(*) FROM t") == "0"


def test_a_fleet_is_told_which_criterion_is_met_where() -> None:
    document = {"environment": {"name": "a"}, "criteria": [{"text": "x", "kind": "table", "subject": "x", "met": None}]}
    other = {"environment": {"name": "b"}, "criteria": [{"text": "x", "kind": "table", "subject": "x", "met": True}]}
    (entry,) = tally([document, other, {"environment": {"name": "c"}}])
    assert (entry["met"], entry["not_met"], entry["cannot_tell"]) == (["b"], [], ["a"])


def test_the_report_tells_what_was_found(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", recorded=("001", "002"))
    case = fx.open_case(write(scene, {"text": "Orders are there", "table": "orders"}))
    text = str(show.criteria(case["app"].diagnosis))
    assert "**No: of 1 criterion 1 is not met.**" in text
    assert "| Orders are there | ✗ not met | there is no table orders | table `orders` |" in text
    assert "| Orders are there | ✗ |" in str(show.criteria(case.fleet()))
    assert show.criteria(fx.open_case(write(scene))["app"].diagnosis) is None
    assert one(case["app"].document, "recorded-not-executed")
