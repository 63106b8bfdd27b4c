from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from chains import write

from forensics.chain.content import content
from forensics.chain.load import load_chain
from forensics.history.mentions import Mentions
from forensics.model import Applied, ChainEvidence, Event, Evidence, FileVersion, History
from forensics.timeline import timeline, to_csv, to_jsonl

START = datetime(2026, 2, 1, tzinfo=UTC)


def day(number):
    return START + timedelta(days=number)


@pytest.fixture
def chain(tmp_path):
    return load_chain(write(tmp_path / "m", {
        "001_start.sql": "one", "004_fix.sql": "four", "004_other.sql": "more", "005_now.sql": "now",
        "024_moved.sql": "moved",
    }))  # fmt: skip


def version(path, text, at, *, action="A", old_path="", commit="c"):
    return FileVersion(
        path=path, commit=commit * 40, at=at, author="Ann", subject=f"does {path}", action=action,
        content=content(text.encode(), origin=f"git:{commit * 12}")[0], old_path=old_path,
    )  # fmt: skip


@pytest.fixture
def git():
    return (
        version("005_moved.sql", "moved", day(1), commit="a"),
        version("024_moved.sql", "moved", day(5), action="R", old_path="005_moved.sql", commit="b"),
        version("005_now.sql", "now", day(6), commit="d"),
        version("021_gone.sql", "gone", day(6), commit="d"),
    )


def row(version, at=None, order=1):
    return Applied(version=version, order=order, recorded_at=at, description="why", ref=f"t.version={version}")


def evidence(rows=(), events=(), keeps="rows", **more):
    history = History(tool="numbered", table="t", state="present", keeps=keeps, rows=rows, assumed_zone="UTC")
    return Evidence(
        environment="dev", url=None, dialect="sqlite", state="read", histories=(history,), events=events, **more
    )


def log(message, at=None, ref="logs/a.log:1", **more):
    return Event(at=at, source="log", message=message, ref=ref, **more)


def test_everything_dated_in_one_order(chain, git):
    events = (
        log("tenth", day(7), "logs/a.log:10"), log("ninth", day(7), "logs/a.log:9"), log("unknown"),
        Event(at=day(7), source="human", message="The app is down", ref="case events[1]", actor="on-call"),
    )  # fmt: skip
    found = timeline(evidence((row("001", day(7)),), events), ChainEvidence(chain=chain, versions=git))
    assert [(event.source, event.ref) for event in found] == [
        ("git", "git:aaaaaaaaaaaa"), ("git", "git:bbbbbbbbbbbb"), ("git", "git:dddddddddddd"),
        ("human", "case events[1]"),
        ("log", "logs/a.log:9"), ("log", "logs/a.log:10"), ("tracker", "t.version=001"), ("log", "logs/a.log:1"),
    ]  # fmt: skip
    assert all(event.environment == "dev" for event in found)
    assert found[1].message == "does 024_moved.sql [005_moved.sql becomes 024_moved.sql]"
    assert found[1].migration == "024"
    assert found[2].message == "does 005_now.sql [adds 005_now.sql; adds 021_gone.sql]"
    assert (found[6].message, found[6].assumed, found[6].migration) == ("t records 001: why", "UTC", "001")


def test_a_row_without_a_time_tells_its_bounds_and_no_time(chain, git):
    rows = (row("001", day(2)), row("005", None, 2), row("004", day(9), 3))
    found = timeline(evidence(rows, acquired_at=day(20)), ChainEvidence(chain=chain, versions=git))
    assert found[-1].at is None
    assert (
        found[-1].message
        == "t records 005: why (no time kept; after 2026-02-03T00:00:00Z and before 2026-02-10T00:00:00Z)"
    )
    head = timeline(
        evidence((row("024"),), keeps="head", acquired_at=day(20)), ChainEvidence(chain=chain, versions=git)
    )
    assert "after 2026-02-06T00:00:00Z and before 2026-02-21T00:00:00Z" in head[-1].message
    nothing = timeline(evidence((row("001"),)), ChainEvidence(chain=chain))
    assert nothing[-1].message == "t records 001: why (no time kept)"


@pytest.mark.parametrize(("message", "expected"), [
    ("Applying 001_start.sql", "001"),
    ("Applied 001: start", "001"),
    ("Migration 005 failed: no such column", "005"),
    ("001 executed by hand", "001"),
    ("Applying 004_other.sql", "004_other"),
    ("Applied 004: which of the two?", "004"),
    ("Applying 005_moved.sql", "024"),
    ("Running 021_gone.sql directly", "021"),
    ("001_start.sql and 005_now.sql", ""),
    ("GET /items/001 200", ""),
    ("001 items, 004 more", ""),
    ("16 versions applied, 5 pending", ""),
    ("version 1.005 released", ""),
    ("migration 0010 is not here", ""),
    ("", ""),
])  # fmt: skip
def test_which_migration_a_line_speaks_of(chain, git, message, expected):
    assert Mentions(chain, git).find(message, day(10)) == expected


def test_a_number_means_the_file_that_had_it_at_that_time(chain, git):
    mentions = Mentions(chain, git)
    assert mentions.find("Applied 005: something", day(2)) == "024"
    assert mentions.find("Applied 005: something", day(10)) == "005"
    assert mentions.find("Applied 005: something") == "005"


def test_revisions_of_alembic_in_logs(tmp_path):
    text = (
        '"""x\n\nCreate Date: 2026-01-02 03:04:05.678\n"""\nrevision = "{}"\ndown_revision = {!r}\ndef upgrade(): pass'
    )
    write(tmp_path, {"cf94a9256bdb_x.py": text.format("cf94a9256bdb", "002"), "002_y.py": text.format("002", None)})
    chain = load_chain(tmp_path)
    mentions = Mentions(chain)
    assert mentions.find("Can't locate revision identified by 'cf94a9256bdb'") == "cf94a9256bdb"
    assert mentions.find("Running upgrade 002 -> cf94a9256bdb, x") == "cf94a9256bdb"
    assert mentions.find("Running upgrade  -> 002, y") == "002"
    found = timeline(evidence(), ChainEvidence(chain=chain), zone="America/New_York")
    assert [(event.source, event.migration, event.assumed) for event in found] == [
        ("file", "002", "America/New_York"), ("file", "cf94a9256bdb", "America/New_York"),
    ]  # fmt: skip
    assert found[0].at == datetime(2026, 1, 2, 8, 4, 5, 678000, tzinfo=UTC)


def test_hostile_names_are_no_patterns(tmp_path):
    chain = load_chain(write(tmp_path, {"001_a(b[c*+|.sql": "", "002_<i>\n`.sql": ""}))
    assert Mentions(chain).find("Applying 001_a(b[c*+|.sql") == "001"


def test_csv_and_jsonl_hold_every_field_and_survive_what_stands_in_them(chain):
    hostile = 'a "b", | c\nd =1+1 <b>'
    events = (log(hostile, day(1), actor="x;y"), log("later"))
    rows = list(csv.DictReader(io.StringIO(to_csv(events))))
    assert list(rows[0])[:3] == ["message", "datetime", "timestamp_desc"]
    assert (rows[0]["message"], rows[0]["datetime"], rows[0]["timestamp_desc"]) == (
        hostile,
        "2026-02-02T00:00:00Z",
        "Log entry",
    )
    assert (rows[1]["datetime"], rows[1]["timestamp_desc"]) == ("", "Log entry (time unknown)")
    lines = [json.loads(line) for line in to_jsonl(events).splitlines()]
    assert [line["message"] for line in lines] == [hostile, "later"]
    assert list(lines[0]) == list(rows[0])
    assert to_csv(()).count("\n") == 1
    assert to_jsonl(()) == ""
