"""What logs prove, and what they only seem to: stale runners, races, and the failures that are foreseen."""

from __future__ import annotations

from pathlib import Path

from cases import Scene, found, one, said
from chains import write

from forensics.chain.load import load_chain
from forensics.events import read_logs
from forensics.model import Applied, ChainEvidence, Evidence, History, Snapshot
from forensics.rules import stale_runner
from forensics.rules.facts import Facts

HEAD = """\"\"\"{0}

Create Date: {2}
\"\"\"
from alembic import op
import sqlalchemy as sa

revision = "{0}"
down_revision = {1!r}


def upgrade():
"""


def revision(name: str, parent: str | None, *lines: str, at: str = "2026-02-01 10:00:00") -> str:
    return HEAD.format(name, parent, at) + "".join(f"    {line}\n" for line in lines or ("pass",))


USERS = "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True))"
RUNS = "op.create_table('runs', sa.Column('id', sa.Integer, primary_key=True), sa.Column('at', sa.Integer))"
NEW = {"c1ea_clean.py": revision("c1ea", None, USERS, at="2026-02-09 10:00:00")}
OLD = {
    "old1_runs.py": revision("old1", None, USERS, RUNS, "op.create_index('ix_runs_at', 'runs', ['at'])"),
    "old2_tasks.py": revision("old2", "old1", "op.drop_index('ix_runs_at', table_name='runs')", "op.drop_table('runs')"),
    "old3_again.py": revision("old3", "old2", "op.drop_index('ix_runs_at', table_name='runs')", "op.add_column('users', sa.Column('x'))"),
    "old4_more.py": revision("old4", "old3", "op.add_column('users', sa.Column('y', sa.Text))"),
}


def failure(at: str, session: int, database: str = "shop") -> str:
    return (
        f'{at} UTC [{session}] app@{database} ERROR:  index "ix_runs_at" does not exist\n'
        f"{at} UTC [{session}] app@{database} STATEMENT:  \n\tDROP INDEX ix_runs_at\n"
        f"{at} UTC [{session}] app@{database} ERROR:  current transaction is aborted, commands ignored until end of transaction block\n"
        f"{at} UTC [{session}] app@{database} STATEMENT:  ALTER TABLE users ADD COLUMN x TEXT\n"
    )


def scene(tmp_path: Path, stamp: str, log: str, **options: object) -> Scene:
    made = Scene(tmp_path, NEW, archived=OLD, **options)  # type: ignore[arg-type]
    made.run("c1ea_clean.py")
    made.stamp(stamp)
    made.log(log)
    return made


TRIED = "2026-02-10 19:00:00,5 INFO [alembic.runtime.migration] Running upgrade old2 -> old3, again\n"


def test_stale_runner(tmp_path: Path) -> None:
    log = TRIED + "".join(failure(f"2026-02-10 19:0{n}:01.000", 70 + n) for n in range(3))
    finding = one(scene(tmp_path, "old2", log).diagnose(), "stale-runner")
    assert (finding["severity"], finding["migrations"]) == ("error", ["old3"])
    assert "`DROP INDEX ix_runs_at` of old3_again.py fails 3 times" in finding["summary"]
    assert "from 2026-02-10T19:00:01Z to 2026-02-10T19:02:01Z" in finding["summary"]
    text = said(finding)
    assert "sessions 70, 71 and 72" in text
    assert "old3_again.py:13" in text
    assert "contains none of these statements" in text
    assert "Running upgrade old2 -> old3" in text
    assert finding["evidence_against"] == []
    assert "ADD COLUMN" not in text  # what follows in an aborted transaction was not run by anybody


def test_stale_runner_and_a_tracker_that_stands_elsewhere(tmp_path: Path) -> None:
    log = failure("2026-02-10 19:00:01.000", 70)
    log += "2026-02-10 20:00:00,5 ERROR [alembic.util.messaging] Can't locate revision identified by 'old4'\n"
    log += "2026-02-10 20:30:00,5 INFO [alembic.runtime.migration] Running stamp_revision  -> old4\n"
    finding = one(scene(tmp_path, "old4", log).diagnose(), "stale-runner")
    (against,) = finding["evidence_against"]
    assert against["source"] == "tracker"
    assert "the tracker stands at 'old4'" in against["detail"]
    assert "sent only to a database that stands before old3" in against["detail"]
    assert "two databases, or of two moments" in against["detail"]
    assert "`Running stamp_revision  -> old4` was logged in between" in against["detail"]
    assert finding["confidence"] < 0.9


def test_one_log_that_speaks_of_two_databases(tmp_path: Path) -> None:
    log = TRIED + failure("2026-02-10 19:00:01.000", 70)
    log += "2026-02-10 20:00:00,5 ERROR [alembic.util.messaging] Can't locate revision identified by 'old4'\n"
    finding = one(scene(tmp_path, "old2", log).diagnose(), "stale-runner")
    details = [item["detail"] for item in finding["evidence_against"]]
    assert any("the log itself speaks of two databases, or of two moments" in detail for detail in details)
    assert any("but the tracker stands at 'old2'" in detail for detail in details)


def test_a_tracker_that_the_old_chain_does_not_know_stops_its_runner_before_any_statement(tmp_path: Path) -> None:
    finding = one(scene(tmp_path, "c1ea", failure("2026-02-10 19:00:01.000", 70)).diagnose(), "stale-runner")
    assert "its runner stops before any statement" in said(finding)


def test_no_stale_runner_where_the_application_makes_tables_at_its_start(tmp_path: Path) -> None:
    log = "".join(
        f"2026-02-10 19:00:01 UTC [7] app@shop LOG:  statement: {sql}\n"
        for sql in ("CREATE TABLE users (id INTEGER)", "CREATE TABLE runs (id INTEGER)", "CREATE INDEX ix_runs_at ON runs (at)")
    )
    assert found(scene(tmp_path, "c1ea", log).diagnose(), "stale-runner") == []


def test_no_stale_runner_for_what_the_active_chain_contains_or_nobody_does(tmp_path: Path) -> None:
    log = "2026-02-10 19:00:01 UTC [7] ERROR:  x\n2026-02-10 19:00:01 UTC [7] STATEMENT:  DROP TABLE nobody_knows\n"
    log += "2026-02-10 19:00:02 UTC [8] LOG:  statement: CREATE TABLE users (id INTEGER)\n"
    log += "2026-02-10 19:00:03,5 INFO [alembic.runtime.migration] Running upgrade  -> c1ea, clean\n"
    log += "2026-02-10 19:00:04 UTC [8] ERROR:  y\n2026-02-10 19:00:04 UTC [8] STATEMENT:  DROP INDEX IF EXISTS ix_runs_at\n"
    assert found(scene(tmp_path, "c1ea", log).diagnose(), "stale-runner") == []


def test_no_stale_runner_from_the_days_when_the_chain_was_the_active_one(tmp_path: Path) -> None:
    log = "2026-02-03 19:00:00,5 INFO [alembic.runtime.migration] Running upgrade old1 -> old2, x\n"
    log += failure("2026-02-03 19:00:01.000", 70)
    assert found(scene(tmp_path, "c1ea", log).diagnose(), "stale-runner") == []
    late = scene(tmp_path / "late", "old2", log + failure("2026-02-10 19:00:01.000", 71))
    finding = one(late.diagnose(), "stale-runner")
    assert "fails 1 time, at 2026-02-10T19:00:01Z" in finding["summary"]
    assert "from before the active chain took over" in said(finding)


def test_announced_steps_alone_betray_a_stale_runner(tmp_path: Path) -> None:
    finding = one(scene(tmp_path, "old2", TRIED).diagnose(), "stale-runner")
    assert finding["migrations"] == ["old3"]
    assert "an attempt, not a result" in said(finding)


UP = "2026-02-10 19:00:01,910 INFO [alembic.runtime.migration] Running upgrade  -> c1ea, clean\n"
EARLY = (
    '2026-02-10 19:00:01.749 UTC [67] app@shop ERROR:  relation "users" does not exist at character 23\n'
    "2026-02-10 19:00:01.749 UTC [67] app@shop STATEMENT:  SELECT id FROM users WHERE email = 'ann@example.org'\n"
)
DONE = (
    "2026-02-10 19:00:01.920 UTC [64] app@shop LOG:  statement: CREATE TABLE users (id SERIAL)\n"
    "2026-02-10 19:00:02.692 UTC [64] app@shop LOG:  statement: INSERT INTO alembic_version (version_num) VALUES ('c1ea')\n"
)


def test_race_with_the_two_times_and_the_gap(tmp_path: Path) -> None:
    finding = one(scene(tmp_path, "c1ea", EARLY + UP + DONE).diagnose(), "race")
    assert (finding["severity"], finding["migrations"]) == ("error", ["c1ea"])
    assert "used at 2026-02-10T19:00:01.749Z, 0.943 s before migration c1ea" in finding["summary"]
    assert "done (2026-02-10T19:00:02.692Z)" in finding["summary"]
    assert "had begun 0.161 s after the first use" in said(finding)
    assert "ann@" not in said(finding)
    assert "c1ea_clean.py:13" in said(finding)


def test_race_where_only_the_announcement_tells_when(tmp_path: Path) -> None:
    log = "2026-02-10 19:00:01,749 ERROR seed: (sqlite3.OperationalError) no such table: users\n" + UP
    finding = one(scene(tmp_path, "c1ea", log).diagnose(), "race")
    assert "at least 0.161 s before migration c1ea" in finding["summary"]


def test_race_for_a_table_of_a_tracker_that_tells_times(tmp_path: Path) -> None:
    made = Scene(tmp_path, {"001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY);"})
    made.run("001_users.sql")
    made.record("001")  # at 10:01
    made.log("2026-02-10 10:00:58 ERROR seed: no such table: users\n")
    assert "2 s before migration 001" in one(made.diagnose(), "race")["summary"]


def test_no_race_where_the_object_is_missing_for_ever(tmp_path: Path) -> None:
    log = EARLY.replace("users", "invoices") + UP + DONE
    assert found(scene(tmp_path, "c1ea", log).diagnose(), "race") == []


def test_no_race_after_the_migration_or_without_its_time(tmp_path: Path) -> None:
    assert found(scene(tmp_path, "c1ea", EARLY).diagnose(), "race") == []
    late = scene(tmp_path / "late", "c1ea", UP + DONE + EARLY.replace("19:00:01", "19:05:00"))
    assert found(late.diagnose(), "race") == []


def test_no_race_for_a_failure_of_the_migration_itself(tmp_path: Path) -> None:
    own = EARLY.replace("[67]", "[64]") + EARLY.replace("SELECT id FROM", "ALTER TABLE").replace("WHERE email = ", "ADD x ")
    failed = UP.replace("01,910", "01,500") + "Traceback (most recent call last):\nOperationalError: no such table: users\n"
    assert found(scene(tmp_path, "c1ea", failed + own + UP + DONE).diagnose(), "race") == []


def test_a_gap_of_hours_is_no_race_in_time_and_only_a_warning(tmp_path: Path) -> None:
    finding = one(scene(tmp_path, "c1ea", EARLY.replace("19:00:01", "09:00:01") + UP + DONE).diagnose(), "race")
    assert finding["severity"] == "warning"
    assert "the code was there without its migration" in finding["summary"]


def test_foreseen_failures_cite_the_log_that_tells_them_and_no_echo(tmp_path: Path) -> None:
    made = Scene(tmp_path, {"001_a.sql": "CREATE TABLE a (id INTEGER);", "002_b.sql": "DROP INDEX ix_gone;"})
    made.run("001_a.sql")
    made.record("001")
    made.log(
        '2026-02-10 10:05:00 UTC [7] ERROR:  index "ix_gone" does not exist\n2026-02-10 10:05:00 UTC [7] STATEMENT:  drop index IX_GONE\n'
        "2026-02-10 10:05:00 UTC [7] ERROR:  current transaction is aborted, commands ignored until end of transaction block\n"
        "2026-02-10 10:05:00 UTC [7] STATEMENT:  drop index ix_gone\n"
        '2026-02-10 10:06:00 UTC [8] ERROR:  index "ix_gone" does not exist\n2026-02-10 10:06:00 UTC [8] STATEMENT:  DROP INDEX ix_gone;\n'
    )
    (proof,) = [item for item in one(made.diagnose(), "pending-will-fail")["evidence"] if item["source"] == "log"]
    assert 'index "ix_gone" does not exist (`drop index IX_GONE`)' in proof["detail"]
    assert "told 2 times, from 2026-02-10T10:05:00Z to 2026-02-10T10:06:00Z" in proof["detail"]
    assert proof["ref"] == "app.log:1"


def test_partially_executed_cites_the_log(tmp_path: Path) -> None:
    tables = "CREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER);"
    made = Scene(tmp_path, {"001_a.sql": f"{tables}\nCREATE INDEX ix ON b (nothing);\nCREATE TABLE c (id);"})
    made.sql(tables)
    made.record("001")
    made.log("2026-02-10 10:05:00 ERROR manager: 001 failed: no such column: nothing\n")
    finding = one(made.diagnose(), "partially-executed")
    assert any(item["source"] == "log" and "no such column: nothing" in item["detail"] for item in finding["evidence"])


def test_hostile_names_survive(tmp_path: Path) -> None:
    odd = "o'n|e <b>`x`"
    old = {"old1.py": revision("old1", None, f"op.drop_table({odd!r})")}
    made = Scene(tmp_path, NEW, archived=old)
    made.run("c1ea_clean.py")
    made.stamp("c1ea")
    made.log(f'2026-02-10 19:00:01 UTC [7] ERROR:  table does not exist\n2026-02-10 19:00:01 UTC [7] STATEMENT:  DROP TABLE "{odd}"\n')
    assert odd in one(made.diagnose(), "stale-runner")["summary"]


def facts(tmp_path: Path, log: str, database: str) -> Facts:
    """Return what is known of a PostgreSQL database that stands at old2, without a server."""
    write(tmp_path / "new", NEW)
    write(tmp_path / "old", OLD)
    (tmp_path / "a.log").write_text(log)
    row = Applied(version="old2", order=1, ref="alembic_version.version_num=old2")
    return Facts(
        evidence=Evidence(
            environment="x", url=f"postgresql://***@h/{database}?sslmode=require", dialect="postgresql", state="read",
            snapshot=Snapshot(dialect="postgresql", server_version="16"), events=tuple(read_logs([tmp_path / "a.log"], base=tmp_path)),
        ),
        source=ChainEvidence(chain=load_chain(tmp_path / "new", archived=[tmp_path / "old"])),
        history=History(tool="alembic", table="alembic_version", state="present", keeps="head", rows=(row,)),
    )  # fmt: skip


def test_the_log_of_a_server_counts_for_the_database_that_it_names(tmp_path: Path) -> None:
    log = failure("2026-02-10 19:00:01.000", 70, "shop") + failure("2026-02-10 19:00:02.000", 71, "other")
    (finding,) = stale_runner.check(facts(tmp_path, log, "shop"))
    assert "fails 1 time, at 2026-02-10T19:00:01Z" in finding.summary
    assert finding.evidence_against == ()
    (finding,) = stale_runner.check(facts(tmp_path, failure("2026-02-10 19:00:02.000", 71, "other"), "shop"))
    assert "the log names the database other, and this environment is shop" in finding.evidence_against[0].detail
