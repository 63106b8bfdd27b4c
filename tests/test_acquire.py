"""Evidence of one environment: what is read, what is said where it cannot be, and what is kept."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.acquire import acquire, fingerprint, load, store
from forensics.acquire.address import database_file
from forensics.acquire.store import saved, stored_key
from forensics.case.file import CaseFile, EnvironmentSpec
from forensics.case.file import load as load_case
from forensics.errors import AcquisitionError, DatabaseUnreadable, EvidenceChanged

TOML = """
[case]
timezone = { logs = "America/Los_Angeles" }
[chains.main]
path = "migrations"
tracker = { table = "schema_versions", version = "version", applied_at = "applied_at", description = "description" }
[environments.dev]
url = "sqlite:///data/dev.db"
logs = ["logs/*.log", "logs/none.log"]
[[events]]
text = "it broke, password=s3cret"
[[events]]
text = "elsewhere"
environment = "prod"
"""


@pytest.fixture
def case(tmp_path: Path) -> CaseFile:
    (tmp_path / "data").mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text("2026-02-10 11:45:37 INFO app: token=s3cret started\n")
    with closing(sqlite3.connect(tmp_path / "data" / "dev.db")) as connection:
        connection.executescript(
            "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT UNIQUE, applied_at TIMESTAMP,"
            " description TEXT);"
            "INSERT INTO schema_versions VALUES (1, '001', '2026-02-10 19:45:37', 'pwd: s3cret');"
            "CREATE TABLE milestones (id INTEGER PRIMARY KEY, name TEXT);"
        )
    (tmp_path / "forensics.toml").write_text(TOML)
    return load_case(tmp_path)


def spec(case: CaseFile) -> EnvironmentSpec:
    return case.environments[0]


def aged(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_what_is_read(case: CaseFile) -> None:
    found = acquire(spec(case), case)
    assert (found.state, found.problem, found.dialect, found.url) == ("read", "", "sqlite", "sqlite:///data/dev.db")
    assert found.snapshot is not None
    assert [group.name for group in found.snapshot.groups] == ["schema_versions", "milestones"]
    database, schema, *_, log, none = found.exhibits
    content = (case.root / "data" / "dev.db").read_bytes()
    assert (database.ref, database.name, database.size) == ("E001", "data/dev.db", len(content))
    assert database.sha256 == hashlib.sha256(content).hexdigest()
    assert (schema.kind, log.name, none.how) == ("schema", "logs/app.log", "no file has this name")
    assert [item.ref for item in found.exhibits] == [f"E{n:03d}" for n in range(1, len(found.exhibits) + 1)]
    (entry, human) = found.events
    assert (str(entry.at), entry.assumed) == ("2026-02-10 19:45:37+00:00", "America/Los_Angeles")
    assert human.message == "it broke, password=***"
    assert found.histories[0].rows[0].description == "pwd: ***"
    assert "s3cret" not in repr(found)
    assert str(case.root) not in repr(found)


def test_the_same_twice_but_for_the_moment(case: CaseFile) -> None:
    first, second = (replace(acquire(spec(case), case), acquired_at=None) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.unlink(), "data/dev.db' does not exist"),
        (lambda path: path.write_text("hello"), "data/dev.db' is a text file"),
        (lambda path: path.write_bytes(os.urandom(4096)), "encrypted"),
        (lambda path: path.write_bytes(path.read_bytes()[:4096]), "damaged|cannot|malformed"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder"),
    ],
)
def test_what_cannot_be_read_is_evidence_too(case: CaseFile, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    damage(case.root / "data" / "dev.db")
    found = acquire(spec(case), case)
    assert (found.state, found.snapshot, found.histories) == ("unreadable", None, ())
    import re

    assert re.search(words, found.problem)
    assert found.remedy
    assert len(found.events) == 2
    assert str(case.root) not in repr(found)


def test_empty_and_other_addresses(case: CaseFile) -> None:
    (case.root / "data" / "dev.db").write_bytes(b"")
    assert acquire(spec(case), case).state == "empty"
    other = replace(spec(case), address="postgresql://app:s3cret@127.0.0.1:1/shop", url="postgresql://***@127.0.0.1:1/shop")
    found = acquire(other, case)
    assert (found.state, found.dialect) == ("unreadable", "postgresql")
    assert "no server answers" in found.problem
    assert "s3cret" not in repr(found)
    unset = replace(spec(case), problem="needs X", remedy="set X", address="")
    assert acquire(unset, case).problem == "needs X"


def test_names_that_are_no_valid_text(case: CaseFile) -> None:
    path = case.root / "data" / "dev.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE abcdef (x)")
        connection.execute('CREATE TABLE "a|b\n`<script>" (x)')
        connection.commit()
    path.write_bytes(path.read_bytes().replace(b"abcdef", b"abc\xffef"))
    found = acquire(spec(case), case)
    assert found.state == "read"
    store(found, case.root / "kept")
    assert load(case.root / "kept") == found


def test_store_and_load(case: CaseFile, tmp_path: Path) -> None:
    found = acquire(spec(case), case)
    folder = tmp_path / "kept" / "dev"
    store(found, folder, key="abc")
    assert load(folder) == found
    assert stored_key(folder) == "abc"
    assert sorted(item.name for item in folder.iterdir()) == ["SHA256SUMS", "evidence.json", "key"]
    digest, name = (folder / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    named = replace(spec(case), name="old", evidence=folder)
    assert acquire(named, case) == replace(found, environment="old")


def test_changed_evidence_is_refused(case: CaseFile, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with pytest.raises(AcquisitionError, match="no saved evidence in kept"):
        load(folder)
    store(acquire(spec(case), case), folder)
    (folder / "evidence.json").write_bytes(
        (folder / "evidence.json").read_bytes().replace(b"milestones", b"millstones")
    )
    with pytest.raises(EvidenceChanged, match="differs from its recorded hash"):
        load(folder)
    assert saved(spec(case), folder).state == "unreadable"
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(EvidenceChanged, match="missing"):
        load(folder)


def test_fingerprint_is_the_same_until_something_changes(case: CaseFile) -> None:
    path, log = case.root / "data" / "dev.db", case.root / "logs" / "app.log"
    assert fingerprint(spec(case)) == "", "what changed just now may change again unseen"
    aged(path, log)
    first = fingerprint(spec(case))
    assert first
    assert first == fingerprint(spec(case))
    log.write_text("2026-02-10 11:45:38 INFO app: other\n")
    aged(log)
    second = fingerprint(spec(case))
    path.write_bytes(path.read_bytes())
    os.utime(path, (time.time() - 100, time.time() - 100))
    third = fingerprint(spec(case))
    assert len({first, second, third, ""}) == 4
    path.unlink()
    assert fingerprint(spec(case)) == ""


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("app.db", "/root/app.db"), ("/srv/app.db", "/srv/app.db"), ("sqlite:///app.db", "/root/app.db"),
        ("sqlite:////srv/app.db", "/srv/app.db"), ("sqlite+pysqlite:///data/app.db?timeout=3", "/root/data/app.db"),
        ("sqlite:///file:app.db?mode=ro&uri=true", "/root/app.db"), ("file:a%20b.db?mode=ro", "/root/a b.db"),
        ("file:///srv/app.db", "/srv/app.db"), ("a?b.db", "/root/a?b.db"), ("sqlite+aiosqlite:///x.db", "/root/x.db"),
    ],
)  # fmt: skip
def test_addresses(address: str, path: str) -> None:
    assert str(database_file(address, Path("/root"))) == path


@pytest.mark.parametrize(
    "address",
    ["sqlite://", "sqlite:///:memory:", ":memory:", "sqlite://app.db", "mysql://u:p@h/d", "://x", "file::memory:"],
)
def test_addresses_that_lead_nowhere(address: str) -> None:
    with pytest.raises(DatabaseUnreadable) as caught:
        database_file(address, Path("/root"))
    assert caught.value.remedy
    assert "u:p" not in str(caught.value)
