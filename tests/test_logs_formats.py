"""Each format of logs, from lines that real programs wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.events import read_logs
from forensics.logs.formats import formats
from forensics.model import Event

PREFIXES = {
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ": (
        "2026-11-25 01:07:30 UTC [23379]: [4-1] user=me,db=shop,app=psql,client=[local] ", "23379", "shop", "psql"),
    "%m [%p] %q%u@%d ": ("2026-11-25 01:07:30.788 UTC [23421] me@shop ", "23421", "shop", "me"),
    "%t:%r:%u@%d:[%p]:": ("2026-11-25 01:07:30 UTC:10.1.2.3(52340):me@shop:[23454]:", "23454", "shop", "me"),
    "%n %p %c %l %v %x %e %i %a ": (
        "1795568850.006 23480 6b0634d4.5bb8 4 3/2 0 42704 DROP INDEX psql ", "23480", "", "23480"),
    "%p ": ("23532 ", "23532", "", "23532"),
    "%c %m ": ("6b0634d6.5c06 2026-11-25 01:07:30.022 UTC ", "23558", "", "23558"),
    "%s|%m|pid=%p ": ("2026-11-25 00:00:01 UTC|2026-11-25 01:07:30.022 UTC|pid=77 ", "77", "", "77"),
    "": ("", "", "", ""),
}  # fmt: skip
SQL = "2026-11-25 01:07:30"


def read(tmp_path: Path, text: str, *, name: str = "a.log", zone: str = "UTC") -> list[Event]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return list(read_logs([path], zone=zone, base=tmp_path))


@pytest.mark.parametrize("setting", PREFIXES)
def test_any_log_line_prefix(tmp_path: Path, setting: str) -> None:
    prefix, session, database, actor = PREFIXES[setting]
    text = f'{prefix}ERROR:  index "ix" does not exist\n{prefix}STATEMENT:  DROP INDEX\n\tix;\n'
    (event,) = read(tmp_path, text)
    assert (event.level, event.message, event.statement) == ("error", 'index "ix" does not exist', "DROP INDEX\nix;")
    assert (event.session, event.database, event.actor) == (session, database, actor)
    timed = any(field in setting for field in ("%t", "%m", "%n"))
    assert (event.at.replace(microsecond=0) if event.at else None) == (
        datetime(2026, 11, 25, 1, 7, 30, tzinfo=UTC) if timed else None
    )


def test_the_process_id_is_told_from_the_line_number_and_the_error_code(tmp_path: Path) -> None:
    text = ""
    for number, (code, rest) in enumerate([
        ("00000", "LOG:  statement: drop index ix_gone"), ("42704", 'ERROR:  index "ix_gone" does not exist'),
        ("42704", "STATEMENT:  drop index ix_gone"), ("00000", "LOG:  disconnection"),
    ], 5):  # fmt: skip
        text += f"{code} {number} 23610 0 {SQL}.349 UTC {rest}\n"
    events = read(tmp_path, text)
    assert [event.session for event in events] == ["23610"] * 3
    assert [event.code for event in events] == ["", "42704", ""]


def test_bare_words_become_user_and_database_once_a_line_says_so(tmp_path: Path) -> None:
    text = f"{SQL} UTC me shop 9 1 LOG:  connection authorized: user=me database=shop\n"
    text += f'{SQL} UTC me shop 9 2 ERROR:  relation "x" does not exist\n'
    assert [(event.actor, event.database, event.session) for event in read(tmp_path, text)] == [("me", "shop", "9")] * 2


def test_a_session_keeps_the_database_that_its_connection_named(tmp_path: Path) -> None:
    text = f"{SQL} UTC [9] LOG:  connection authorized: user=me database=shop application_name=psql\n"
    text += f"{SQL} UTC [10] ERROR:  a\n{SQL} UTC [9] ERROR:  b\n"
    assert [event.database for event in read(tmp_path, text)] == ["shop", "", "shop"]


@pytest.mark.parametrize(("short", "zone", "hour", "assumed"), [
    ("UTC", "Europe/Berlin", 1, ""),
    ("CET", "UTC", 0, ""),
    ("CST", "America/Chicago", 7, ""),
    ("IST", "UTC", 1, "UTC (the log says IST)"),
])  # fmt: skip
def test_abbreviated_zones_count_only_where_they_mean_one(
    tmp_path: Path, short: str, zone: str, hour: int, assumed: str
) -> None:
    (event,) = read(tmp_path, f"{SQL} {short} [9] LOG:  x\n", zone=zone)
    assert event.at == datetime(2026, 11, 25, hour, 7, 30, tzinfo=UTC)
    assert event.assumed == assumed


def test_verbose_errors_give_their_code(tmp_path: Path) -> None:
    text = f'{SQL} UTC [9] ERROR:  42P01: relation "nope" does not exist at character 15\n{SQL} UTC [9] LOCATION:  x.c:1\n'
    (event,) = read(tmp_path, text)
    assert (event.code, event.message) == ("42P01", 'relation "nope" does not exist at character 15')


CSV = (
    f'{SQL}.432 UTC,"me","shop",10319,"[local]",6b06327f.284f,10,"INSERT",{SQL} UTC,3/10,729,ERROR,23505,'
    '"duplicate key value violates unique constraint ""users_pkey""","Key (id)=(hunter2) already exists.",,,,,'
    '"insert into users\nvalues (1,\'secret\');",,,"psql","client backend",,0\n'
)


def test_csvlog_with_line_ends_and_quotes_in_its_values(tmp_path: Path) -> None:
    first, second = read(tmp_path, CSV + CSV.replace("10319", "10320"), name="a.csv")
    assert (first.level, first.code, first.session, first.database, first.actor) == ("error", "23505", "10319", "shop", "psql")
    assert first.message.startswith('duplicate key value violates unique constraint "users_pkey"\nDETAIL: Key (id)=(***)')
    assert first.statement == "insert into users\nvalues (1,'***');"
    assert second.ref == "a.csv:3"


def test_csvlog_that_begins_and_ends_in_the_middle_of_a_record(tmp_path: Path) -> None:
    text = 'values (1);",,,"psql","client backend",,0\n' + CSV + CSV.split("values")[0]
    first, warning = read(tmp_path, text, name="a.csv")
    assert first.code == "23505"
    assert (warning.message, warning.ref) == ("2 lines are in no known log format", "a.csv:1")


def test_jsonlog(tmp_path: Path) -> None:
    record = {
        "timestamp": f"{SQL}.431 CET", "user": "me", "dbname": "shop", "pid": 7, "error_severity": "FEHLER", "state_code": "42704",
        "message": 'index "ix" does not exist', "statement": "drop index ix;", "application_name": "alembic",
    }  # fmt: skip
    (event,) = read(tmp_path, json.dumps(record) + "\n")
    assert event.at == datetime(2026, 11, 25, 0, 7, 30, 431000, tzinfo=UTC)
    assert (event.level, event.code, event.session, event.database) == ("error", "42704", "7", "shop")
    assert (event.actor, event.statement) == ("alembic", "drop index ix;")


@pytest.mark.parametrize(("line", "level", "actor", "message"), [
    ("INFO  [alembic.runtime.migration] Running upgrade 003 -> 8aa0, x", "info", "alembic.runtime.migration",
     "Running upgrade 003 -> 8aa0, x"),
    ("WARNI [sqlalchemy.pool] slow", "warning", "sqlalchemy.pool", "slow"),
    ("INFO:alembic.runtime.migration:Running upgrade  -> 1, x", "info", "alembic.runtime.migration", "Running upgrade  -> 1, x"),
    ("  FAILED: Can't locate revision identified by 'cf94'", "error", "alembic", "Can't locate revision identified by 'cf94'"),
    ("2026-11-25 01:07:30,1 INFO [alembic.runtime.migration] Running upgrade a -> b", "info", "alembic.runtime.migration",
     "Running upgrade a -> b"),
    ("2026-11-25 01:07:30,1 INFO sqlalchemy.engine.Engine DROP TABLE x", "info", "sqlalchemy.engine.Engine", "DROP TABLE x"),
])  # fmt: skip
def test_alembic_and_what_runs_beside_it(tmp_path: Path, line: str, level: str, actor: str, message: str) -> None:
    (event,) = read(tmp_path, line + "\n")
    assert (event.level, event.actor, event.message) == (level, actor, message)


@pytest.mark.parametrize(("message", "statement"), [
    ("statement: DROP TABLE x", "DROP TABLE x"),
    ("duration: 1.234 ms  statement: DROP TABLE x", "DROP TABLE x"),
    ("execute __asyncpg_stmt_1__: DROP TABLE x", "DROP TABLE x"),
    ("execute <unnamed>: UPDATE alembic_version SET version_num='b'", "UPDATE alembic_version SET version_num='b'"),
    ("duration: 0.5 ms  parse <unnamed>: SELECT 'private'", "SELECT '***'"),
    ('AUDIT: SESSION,1,1,DDL,DROP TABLE,TABLE,public.x,"DROP TABLE x, y",<not logged>', "DROP TABLE x, y"),
    ("checkpoint starting: time", ""),
])  # fmt: skip
def test_statements_that_a_server_reports(tmp_path: Path, message: str, statement: str) -> None:
    (event,) = read(tmp_path, f"{SQL} UTC [9] LOG:  {message}\n")
    assert event.statement == statement


def test_values_of_rows_and_parameters_are_nobodys_business(tmp_path: Path) -> None:
    text = f"""{SQL} UTC [9] ERROR:  new row violates check constraint "c"
{SQL} UTC [9] DETAIL:  Failing row contains (1, ann@example.org, (x)).
{SQL} UTC [9] CONTEXT:  unnamed portal with parameters: $1 = 'ann@example.org'
{SQL} UTC [9] STATEMENT:  INSERT INTO people VALUES (1, 'ann@example.org')
"""
    (event,) = read(tmp_path, text)
    assert "ann@" not in event.message + event.statement
    assert "Failing row contains (***)" in event.message


def test_every_format_says_what_it_is_and_leaves_other_lines_alone() -> None:
    assert [item.name for item in formats()][:2] == ["postgresql-csv", "postgresql-json"]
    assert len({item.name for item in formats()}) == len(formats()) == 8
