"""What to do, in order: each plan is followed on the real database, taken back, and given only where it is whole."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cases import SHOP, Document, Scene, causes, found, shop
from documents import HOSTILE
from test_rules_foreign import APART, NEW, OLD, run

import forensics as fx
from forensics.cli import main
from forensics.report import sections as show

ALL = ("001", "002", "003", "004")
FIELDS = ("do", "risk", "backup", "verify", "back")


def plan(scene: Scene) -> list[Document]:
    """Return the plan, in which every step says everything that there is to know."""
    steps: list[Document] = scene.diagnose()["plan"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert all(step[field].strip() for field in FIELDS)
    if any(step["sql"] and step["phase"] != "look" and step["phase"] != "stop" for step in steps):
        assert steps[1]["phase"] == "keep"  # others refer to the backup of step 2
    return steps


def follow(scene: Scene, steps: list[Document], key: str = "sql") -> None:
    for step in steps:
        if step[key]:
            with closing(sqlite3.connect(scene.database, isolation_level=None)) as connection:
                for statement in step[key]:
                    connection.execute(statement)


def of(steps: list[Document], *phases: str) -> list[Document]:
    return [step for step in steps if step["phase"] in phases]


def test_a_stamp_that_touches_no_data(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD)
    scene.stamp("old3")
    document = scene.diagnose()
    steps = plan(scene)
    assert [step["phase"] for step in steps] == ["stop", "keep", "record"]
    assert steps[2]["command"] == "alembic stamp --purge c1ea"
    assert {item["cause"] for item in document["findings"] if item["id"] in steps[2]["for"]} >= {"foreign-chain", "equivalent-chain"}
    assert "without any change it is what the active chain builds" in steps[2]["tried"]
    assert not any(step["point_of_no_return"] for step in steps)
    follow(scene, steps)
    assert causes(scene.diagnose()) == set()
    assert scene.diagnose()["plan"] == []
    follow(scene, steps, "undo")
    assert causes(scene.diagnose()) == {"foreign-chain"}


def test_the_difference_is_closed_before_the_stamp(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD, "old1_users.py", "old2_tasks.py")
    scene.stamp("old2")
    steps = plan(scene)
    assert [step["phase"] for step in steps] == ["stop", "keep", "change", "record"]
    assert any("ADD COLUMN" in statement for statement in steps[2]["sql"])
    assert steps[2]["tried"] == "Tried on a copy of the schema: it goes through."
    assert not steps[2]["optional"]
    follow(scene, steps)
    assert causes(scene.diagnose()) == set()
    follow(scene, steps[::-1], "undo")
    assert causes(scene.diagnose()) == {"foreign-chain"}


def test_what_sqlite_cannot_alter_is_rebuilt_with_its_rows(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=APART)
    run(scene, APART)
    scene.stamp("old3")
    scene.sql("INSERT INTO tasks (id, title, archived) VALUES (1, 'a', 1), (2, 'b', 0)")
    steps = plan(scene)
    assert [step["phase"] for step in steps] == ["stop", "keep", "change", "record"]
    follow(scene, steps)
    assert causes(scene.diagnose()) == set()
    follow(scene, steps[::-1], "undo")
    assert causes(scene.diagnose()) == {"foreign-chain"}
    with closing(sqlite3.connect(scene.database)) as connection:
        assert connection.execute("SELECT id, title, archived FROM tasks").fetchall() == [(1, "a", 1), (2, "b", 0)]


def test_a_rebuild_never_takes_away_what_the_chain_does_not_know(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('nothing here')\n"})
    scene.sql("DROP TABLE customers; CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    rebuilt = plan(scene)
    assert [step["phase"] for step in rebuilt] == ["stop", "keep", "change"]
    scene.sql("ALTER TABLE customers ADD COLUMN phone TEXT")
    assert not of(plan(scene), "change")


def test_the_backup_is_one_that_works(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD)
    scene.stamp("old3")
    command = plan(scene)[1]["command"]
    # The shell of SQLite need not be there: its command is read as a shell reads it, and done by the library.
    program, file, order = shlex.split(command)
    assert (program, file) == ("sqlite3", "app.db")
    assert order == '.backup "app.db.before"'


def test_a_stranger_is_looked_at_and_renamed_before_it_is_dropped(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('nothing here')\n"})
    scene.sql("CREATE TABLE leads (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO leads VALUES (1, 'Ann')")
    steps = plan(scene)
    assert [step["phase"] for step in steps] == ["stop", "keep", "decide", "decide", "decide", "last"]
    assert steps[2]["sql"] == ['SELECT count(*) FROM "leads"']
    assert all(step["optional"] for step in steps[2:])
    assert [step["point_of_no_return"] for step in steps] == [False] * 5 + [True]
    rename, drop = steps[4], steps[5]
    assert "goes through" in rename["tried"]
    follow(scene, [rename])
    follow(scene, [rename], "undo")
    assert causes(scene.diagnose()) == {"manual-change"}
    follow(scene, [rename, drop])
    assert causes(scene.diagnose()) == set()


def test_what_the_application_makes_comes_back_by_itself(tmp_path: Path) -> None:
    made = "CREATE TABLE tags (id INTEGER PRIMARY KEY, label TEXT UNIQUE, colour TEXT)"
    scene = Scene(tmp_path, {**SHOP, "005_more.sql": "CREATE TABLE more (id);\n"}, sources={"start.py": f"DDL = '''{made}'''\n"})
    scene.track()
    scene.run("001_customers.sql", "002_orders.sql", "003_notes.sql")
    scene.record("001", "002", "003")
    scene.sql("CREATE TABLE leads (id)")
    steps = plan(scene)
    decided = [step for step in of(steps, "decide") if step["do"].startswith("Decide")]
    assert decided
    assert not any("at every start" in step["do"] for step in decided)  # nobody's code makes leads
    scene.sql("DROP TABLE leads")
    assert plan(scene) == []


def test_what_was_dropped_is_put_back_and_can_be_taken_away_again(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('nothing here')\n"})
    scene.sql("DROP INDEX orders_by_customer")
    steps = plan(scene)
    (change,) = of(steps, "change")
    assert "Ask who changed index orders.orders_by_customer" in change["do"]
    follow(scene, [change])
    assert causes(scene.diagnose()) == set()
    follow(scene, [change], "undo")
    assert causes(scene.diagnose()) == {"manual-change"}


def test_what_ran_is_recorded(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL, recorded=("001", "002", "003"))
    steps = plan(scene)
    (record,) = of(steps, "record")
    assert record["sql"] == ["INSERT INTO \"schema_versions\" (\"version\") VALUES ('004')"]
    follow(scene, steps)
    assert causes(scene.diagnose()) == set()
    follow(scene, steps, "undo")
    assert causes(scene.diagnose()) == {"executed-not-recorded", "pending-will-fail"}


def test_half_a_plan_is_none(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", "003", recorded=ALL, sources={"start.py": "print('nothing here')\n"})
    scene.sql("CREATE TABLE leads (id)")
    assert {"recorded-not-executed", "manual-change"} <= causes(scene.diagnose())
    assert plan(scene) == []


def test_nothing_to_do_is_no_plan(tmp_path: Path) -> None:
    assert plan(shop(tmp_path, *ALL)) == []
    assert plan(shop(tmp_path / "pending", "001")) == []


def test_after_a_race_what_lost_runs_again_and_nothing_is_stopped(tmp_path: Path) -> None:
    scene = shop(tmp_path, *ALL)
    scene.log("2026-02-10 10:03:59,000 ERROR seed: no such table: tags\n2026-02-10 10:09:00,000 INFO seed: done\n")
    document = scene.diagnose()
    assert found(document, "race")
    assert [step["phase"] for step in document["plan"]] == ["later"]


def test_an_empty_database_that_a_stale_runner_troubles(tmp_path: Path) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    scene.database.touch()
    assert plan(scene) == []  # an empty database that nobody troubles needs nothing
    scene.log("2026-02-10 10:00:00,000 INFO  [alembic.runtime.migration] Running upgrade old1 -> old2, tasks\n")
    document = scene.diagnose()
    assert found(document, "stale-runner")
    stop, build = document["plan"]
    assert "the archived chain archived" in stop["do"]
    assert build["command"] == "alembic upgrade head"
    assert "There is nothing to save" in build["do"]
    assert "goes through" in build["tried"]


def test_names_that_would_break_a_statement_or_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('nothing here')\n"})
    quoted = HOSTILE.replace('"', '""')
    scene.sql(f'CREATE TABLE "{quoted}" (id INTEGER PRIMARY KEY)')
    steps = plan(scene)
    follow(scene, [step for step in steps if step["phase"] in ("decide", "last")])
    assert causes(scene.diagnose()) == set()
    scene.sql(f'CREATE TABLE "{quoted}" (id INTEGER PRIMARY KEY)')
    text = str(show.plan(fx.open_case(scene.write())["app"].diagnosis))
    outside = "".join(text.split("```")[::2])
    assert "<script" not in outside
    assert main(["--case", str(scene.write()), "diagnose"]) == 1
    assert "What to do, in this order." in capsys.readouterr().out


def test_the_text_and_the_report_mark_the_point_of_no_return(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = shop(tmp_path, *ALL, sources={"start.py": "print('nothing here')\n"})
    scene.sql("CREATE TABLE leads (id)")
    assert main(["--case", str(scene.write()), "diagnose"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "save the optional step 6: the point of no return." in text
    assert "6 POINT OF NO RETURN. Optional. Only when nobody has missed leads: drop it." in text
    assert "do steps 3 to 6 of what to do, below" in text
    diagnosis = fx.open_case(scene.write())["app"].diagnosis
    report = str(show.plan(diagnosis))
    assert "**Step 6.** **Point of no return.** *Optional.* Only when nobody has missed leads: drop it. ([F1](#f1))" in report
    assert show.what_to_do(diagnosis) is None
    other = shop(tmp_path / "other", *ALL, recorded=("001", "002", "003", "004", "005"))
    assert show.plan(fx.open_case(other.write())["app"].diagnosis) is None


def test_the_plan_needs_no_frames(tmp_path: Path) -> None:
    code = "import sys; import forensics.conclusions.plan; assert 'pandas' not in sys.modules and 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
