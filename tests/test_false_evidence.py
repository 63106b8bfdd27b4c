"""Evidence that lies: for each sort a case where it must not accuse anybody, and one where something is really wrong."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import chains
import psycopg
import pytest
from cases import ALL, SHOP, Scene, causes, executed, found, one, said, shop
from test_rules_logs import revision

import forensics as fx
from forensics.replay.cluster import Cluster
from forensics.replay.inside.postmaster import choose

Document = dict[str, Any]
ALEMBIC = {
    "a1_users.py": revision("a1", None, "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True))"),
    "a2_runs.py": revision("a2", "a1", "op.create_table('runs', sa.Column('id', sa.Integer, primary_key=True))"),
    "a3_tags.py": revision("a3", "a2", "op.create_table('tags', sa.Column('id', sa.Integer, primary_key=True))"),
}
RUNNING = "".join(
    f"2026-02-10 19:0{number}:00,5 INFO [alembic.runtime.migration] Running upgrade {step}\n"
    for number, step in enumerate((" -> a1", "a1 -> a2", "a2 -> a3"))
)


def alembic(root: Path, *ran: str, stamp: str, log: str = "") -> Document:
    scene = Scene(root, ALEMBIC)
    scene.run(*(name for name in ALEMBIC if name[:2] in ran))
    scene.stamp(stamp)
    if log:
        scene.log(log)
    return scene.diagnose()


def test_running_upgrade_is_an_attempt(tmp_path: Path) -> None:
    log = RUNNING + "Traceback (most recent call last):\nsqlalchemy.exc.OperationalError: disk full\n"
    document = alembic(tmp_path, "a1", stamp="a1", log=log)
    assert executed(document) == {"a1": "yes", "a2": "no", "a3": "no"}
    assert causes(document, "error") == set()


def test_running_upgrade_and_success_prove_nothing_where_nothing_is_there(tmp_path: Path) -> None:
    log = RUNNING + "migrations applied successfully!\nexit code 0\n"
    document = alembic(tmp_path, "a1", "a3", stamp="a3", log=log)
    assert executed(document) == {"a1": "yes", "a2": "no", "a3": "yes"}
    finding = one(document, "recorded-not-executed")
    assert finding["migrations"] == ["a2"]
    assert "runs" in {item["name"] for item in finding["objects"]}
    assert causes(document, "error") == {"recorded-not-executed"}


def test_a_log_of_a_run_that_really_was_is_no_finding(tmp_path: Path) -> None:
    assert causes(alembic(tmp_path, "a1", "a2", "a3", stamp="a3", log=RUNNING)) == set()


@pytest.mark.parametrize(
    "times",
    [
        ("", "", "", ""),
        ("2026-02-10T10:00:00+09:00", "2026-02-10 01:30:00Z", "2026-02-10 02:00:00", "1770688800"),
        ("1970-01-01 00:00:00",) * 4,
        ("2099-01-01 00:00:00", "2099-01-01 00:00:01", "2099-01-01 00:00:02", "2099-01-01 00:00:03"),
        ("yesterday", "soon", "x", "2026-13-45"),
        ("2026-02-10 10:00:00",) * 4,
    ],
    ids=["none", "several zones", "epoch", "future", "no times", "one instant"],
)
def test_odd_times_accuse_nobody(tmp_path: Path, times: tuple[str, ...]) -> None:
    scene = shop(tmp_path, *ALL)
    for version, at in zip(ALL, times, strict=True):
        scene.sql("UPDATE schema_versions SET applied_at = ? WHERE version = ?", at, version)
    document = scene.diagnose()
    assert causes(document) == set()
    assert set(executed(document).values()) == {"yes"}


def test_one_instant_and_nothing_executed_is_worth_a_word(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", recorded=("001",))
    scene.record("002", "003", "004", apart=0)
    document = scene.diagnose()
    assert {"recorded-not-executed", "bulk-stamped"} <= causes(document)
    assert one(document, "bulk-stamped")["migrations"] == ["002", "003", "004"]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("create table IF NOT EXISTS tags(id integer primary key, label text, constraint u unique (label))", set()),
        ("CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT)", {"masked-create", "manual-change"}),
    ],
    ids=["in the same shape", "in another shape"],
)
def test_an_object_that_exists_may_have_the_wrong_shape(tmp_path: Path, there: str, wanted: set[str]) -> None:
    scene = shop(tmp_path, "001", "002", "003")
    scene.edit("004_tags.sql", SHOP["004_tags.sql"].replace("TABLE", "TABLE IF NOT EXISTS"))
    scene.sql(there)
    scene.run("004_tags.sql")
    scene.record("004")
    document = scene.diagnose()
    assert bool(causes(document) & wanted) is bool(wanted)
    assert not causes(document) - wanted
    assert not wanted or "label" in {item["name"] for finding in document["findings"] for item in finding["objects"]}


LATER = {"005_gone.sql": "DROP TABLE tags;\nALTER TABLE orders RENAME COLUMN notes TO remarks;\nDROP INDEX orders_by_customer;\n"}


def test_what_a_later_migration_took_away_is_not_missing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP | LATER)
    scene.run(*SHOP, *LATER)
    scene.record(*ALL, "005")
    document = scene.diagnose()
    assert document["findings"] == []
    assert set(executed(document).values()) == {"yes"}


def test_what_a_person_took_away_is_missing(tmp_path: Path) -> None:
    scene = Scene(tmp_path, SHOP | LATER)
    scene.run(*SHOP)
    scene.sql("DROP INDEX orders_by_customer")
    scene.record(*ALL)
    document = scene.diagnose()
    assert "orders_by_customer" in {item["name"] for finding in document["findings"] for item in finding["objects"]}
    assert executed(document)["004_tags"] == "yes"


def test_echoes_of_an_aborted_transaction_are_not_the_cause(tmp_path: Path) -> None:
    moment = "2026-02-10 19:00:01.000 UTC [71] app@shop "
    log = (
        f'{moment}ERROR:  relation "gone" does not exist\n{moment}STATEMENT:  CREATE INDEX i ON gone (x)\n'
        f"{moment}ERROR:  current transaction is aborted, commands ignored until end of transaction block\n"
        f"{moment}STATEMENT:  CREATE TABLE tags (id INTEGER PRIMARY KEY, label TEXT UNIQUE)\n"
    )
    scene = shop(tmp_path, *ALL)
    scene.log(log)
    document = scene.diagnose()
    assert causes(document) == set()
    assert "aborted" not in "".join(said(finding) for finding in document["findings"])


def test_order_and_times_of_files_mean_nothing(tmp_path: Path) -> None:
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (a INTEGER);\n" for number in (11, 10, 9, 2, 1)}
    scene = Scene(tmp_path, files)
    for place, name in enumerate(files):
        os.utime(scene.file(name), (1_000_000_000 + place, 1_000_000_000 + place))
    ordered = sorted(files, key=lambda name: int(name.split("_")[0]))
    scene.run(*ordered)
    scene.record(*(name.split("_")[0] for name in ordered))
    assert scene.diagnose()["findings"] == []


@pytest.mark.parametrize(("ran", "wanted"), [(ALL, set()), (("001", "002", "004"), {"recorded-not-executed"})])
def test_a_commit_after_the_run_is_no_migration_behind_the_head(tmp_path: Path, ran: tuple[str, ...], wanted: set[str]) -> None:
    scene = shop(tmp_path, *ran, recorded=ALL)
    scene.commit("Everything at once, rebased", "2026-06-01T10:00:00Z")
    document = scene.diagnose()
    assert causes(document, "error") == wanted
    assert found(document, "inserted-behind-head") == []


def vacuumed(scene: Scene) -> None:
    scene.sql("VACUUM")


def backed_up(scene: Scene) -> None:
    other = scene.root / "copy.db"
    with closing(sqlite3.connect(scene.database)) as source, closing(sqlite3.connect(other)) as target:
        source.backup(target)
    other.replace(scene.database)


def restored(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.database)) as source:
        script = "\n".join(source.iterdump())
    scene.database.unlink()
    scene.sql(script)


def counted_wrong(scene: Scene) -> None:
    scene.sql("PRAGMA schema_version = 3")


@pytest.mark.parametrize("what", [vacuumed, backed_up, restored, counted_wrong])
def test_a_cookie_that_says_nothing(tmp_path: Path, what: Callable[[Scene], None]) -> None:
    whole = shop(tmp_path / "whole", *ALL)
    what(whole)
    document = whole.diagnose()
    assert causes(document) == set()
    assert set(executed(document).values()) == {"yes"}
    skipped = shop(tmp_path / "skipped", "001", "002", "004", recorded=ALL)
    what(skipped)
    document = skipped.diagnose()
    assert one(document, "recorded-not-executed")["migrations"] == ["003"]
    assert executed(document)["004_tags"] == "yes"


def test_two_equal_environments_can_both_be_wrong(tmp_path: Path) -> None:
    ran = {"one": ("001", "002", "004"), "two": ("001", "002", "004"), "three": ALL}
    for name, numbers in ran.items():
        shop(tmp_path / name, *numbers, recorded=ALL)
    chains.write(tmp_path / "migrations", SHOP)
    lines = ['[chains.main]\npath = "migrations"\ngit = "none"\n']
    lines += [f'[environments.{name}]\nurl = "sqlite:///{name}/app.db"\n' for name in ran]
    (tmp_path / "forensics.toml").write_text("\n".join(lines))
    case = fx.open_case(tmp_path / "forensics.toml")
    documents = {item["environment"]["name"]: item for item in case.document()["environments"]}
    for name in ("one", "two"):
        assert one(documents[name], "recorded-not-executed")["migrations"] == ["003"]
    assert documents["three"]["environment"]["state"] == "ok"
    assert causes(documents["three"], "error") == set()


def test_errors_of_tests_are_no_drift(tmp_path: Path) -> None:
    lines = [
        f'2026-02-10 19:00:0{number}.000 UTC [{70 + number}] app@test_gw{number} ERROR:  relation "orders" does not exist\n'
        f"2026-02-10 19:00:0{number}.000 UTC [{70 + number}] app@test_gw{number} STATEMENT:  SELECT * FROM orders\n"
        for number in range(4)
    ]
    scene = shop(tmp_path, *ALL)
    scene.log("".join(lines))
    document = scene.diagnose()
    assert causes(document, "error") == set()
    assert document["environment"]["state"] == "ok"


@pytest.mark.parametrize("version", [16, 18])
def test_a_restored_dump_has_lost_its_transactions_and_nothing_else(
    tmp_path: Path, clusters: Callable[[int | None], Cluster], version: int
) -> None:
    """Every row has one ``xmin`` then, and every list of values is cast as it was not before."""
    cluster, folder = clusters(version), choose(version, None)[0]
    files = SHOP | {
        "001_customers.sql": "CREATE TABLE customers (id serial PRIMARY KEY, kind varchar(9) CHECK (kind IN ('a', 'b')), at timestamptz"
        " DEFAULT now(), CHECK (id BETWEEN 1 AND 9 AND kind <> ''));\n"
        "CREATE VIEW chosen AS SELECT id FROM customers WHERE kind IN ('a', 'b') AND (id > 1 AND at < now());\n"
    }
    chains.write(tmp_path / "migrations", files)
    lines = ['[chains.main]\npath = "migrations"\ngit = "none"\n']
    for name, ran in {"whole": ALL, "skipped": ("001", "002", "004")}.items():
        source, target = f"{name}_source", f"{name}_target"
        cluster.create(source)
        cluster.create(target, "template0")
        with psycopg.connect(cluster.url(source), autocommit=True) as connection:
            connection.execute("CREATE TABLE schema_versions (id serial PRIMARY KEY, version text NOT NULL, applied_at timestamptz)")
            for number, text in zip(ALL, files.values(), strict=True):
                if number in ran:
                    connection.execute(text)
                connection.execute("INSERT INTO schema_versions (version, applied_at) VALUES (%s, now())", (number,))
        dump = subprocess.run([f"{folder}/pg_dump", "-d", cluster.url(source)], capture_output=True, check=True)
        subprocess.run([f"{folder}/psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", cluster.url(target)], input=dump.stdout, check=True,
                       capture_output=True)  # fmt: skip
        lines.append(f'[environments.{name}]\nurl = "{cluster.url(target)}"\n')
        cluster.drop(source)
    (tmp_path / "forensics.toml").write_text("\n".join(lines))
    documents = {item["environment"]["name"]: item for item in fx.open_case(tmp_path / "forensics.toml").document()["environments"]}
    assert documents["whole"]["findings"] == []
    assert set(executed(documents["whole"]).values()) == {"yes"}
    finding = one(documents["skipped"], "recorded-not-executed")
    assert finding["migrations"] == ["003"]
    assert [item["name"] for item in finding["objects"]] == ["notes"]
