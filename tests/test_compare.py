"""Comparing environments, snapshots, databases and chains; auditing a chain alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import chains
import pytest
from cases import Scene
from test_rules_foreign import APART, DRIFTED, NEW, OLD, run

import forensics as fx
from forensics.chain.load import load_chain
from forensics.cli import main
from forensics.comparison.frames import comparison
from forensics.comparison.sides import compare_two
from forensics.conclusions.equivalence import compare_chains
from forensics.replay.lab import Lab

STREETS = "CREATE TABLE streets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, town TEXT);\n"


def database(path: Path, script: str) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def test_chains_are_compared_object_by_object_with_the_migration_that_makes_each(tmp_path: Path) -> None:
    new, old = (load_chain(chains.write(tmp_path / name, files)) for name, files in (("new", NEW), ("old", APART)))
    found = compare_chains(new, old, lambda chain: Lab(chain, trust=True))
    assert [(item.state, item.subject.table, item.subject.name) for item in found.changes] == [("altered", "tasks", "archived")]
    document = comparison(found)
    assert document["schema"] == "forensics/compare/1"
    change = document["differences"][0]
    assert change["attributes"] == [{"name": "default", "left": None, "right": "0"}] or change["attributes"][0]["name"] == "default"
    assert (change["left_migration"], change["right_migration"]) == ("c1ea", "old2")
    assert document["reordered"] == [{"table": "users", "left": ["id", "name", "email"], "right": ["id", "email", "name"]}]
    assert document["left"]["builds_from_empty"] is document["right"]["builds_from_empty"] is True
    assert not document["equal"]


def test_a_chain_that_cannot_build_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    new, old = (load_chain(chains.write(tmp_path / name, files)) for name, files in (("new", NEW), ("old", DRIFTED)))
    found = compare_chains(new, old, lambda chain: Lab(chain, trust=True))
    document = comparison(found)
    assert document["equal"]
    assert document["right"]["builds_from_empty"] is False
    assert [item["migration"] for item in document["right"]["failures"]] == ["a3", "a4"]
    first = document["right"]["failures"][0]
    assert first["because"] == {"how": "dropped", "kind": "index", "name": "ix_runs_at", "migration": "a2"}
    assert first["supplied"] == ["runs"]


def test_the_frame_has_its_columns_also_where_nothing_differs(tmp_path: Path) -> None:
    one = database(tmp_path / "one.db", STREETS)
    two = database(tmp_path / "two.db", STREETS.replace("name TEXT NOT NULL", "name TEXT") + "CREATE INDEX i ON streets (town);")
    frame = fx.compare(str(one), str(two))
    assert list(frame.columns[:5]) == ["drift", "state", "kind", "table", "name"]
    assert [tuple(row) for row in frame[["state", "kind", "name"]].itertuples(index=False)] == [
        ("altered", "column", "name"), ("extra", "index", "i"),
    ]  # fmt: skip
    same = fx.compare(str(one), str(one))
    assert len(same) == 0
    assert list(same.dtypes) == list(frame.dtypes)


def test_names_and_orders_are_no_drift(tmp_path: Path) -> None:
    one = database(tmp_path / "one.db", STREETS + "CREATE INDEX a ON streets (town);")
    two = database(tmp_path / "two.db", "CREATE TABLE streets (id INTEGER PRIMARY KEY, town TEXT, name TEXT NOT NULL);"
                                        "CREATE INDEX b ON streets (town);")  # fmt: skip
    found = compare_two(str(one), str(two))
    assert found.equal
    frame = fx.compare(str(one), str(two))
    assert list(frame["state"]) == ["renamed", "reordered"]
    assert not frame["drift"].any()
    assert frame["left"][1] == "id, name, town"


def test_environments_leave_the_trackers_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(tmp_path, OLD)
    run(scene, OLD)
    scene.stamp("old3")
    case = str(scene.write())
    assert main(["--case", case, "compare", "app", "chain:main"]) == 0
    assert "mean the same" in capsys.readouterr().out
    scene.sql("ALTER TABLE users ADD COLUMN extra TEXT")
    assert main(["--case", case, "compare", "chain:main", "app", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(item["state"], item["name"]) for item in document["differences"]] == [("extra", "extra")]
    assert document["ignored"] == ["alembic_version"]
    frame = fx.compare(fx.open_case(case)["app"], "chain:main", case=fx.open_case(case))
    assert list(frame["state"]) == ["missing"]


def test_saved_evidence_and_archived_chains_are_sides_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(tmp_path, NEW, archived=OLD)
    run(scene, OLD)
    scene.stamp("old3")
    case = str(scene.write())
    fx.open_case(case)["app"].acquire()
    saved = tmp_path / ".forensics" / "evidence" / "app"
    assert main(["--case", case, "compare", f"snapshot:{saved}", "chain:archived"]) == 0
    assert main(["--case", case, "compare", "chain:main", "chain:archived"]) == 0
    assert "another order" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("left", "code", "word"),
    [("nowhere", 2, "neither an environment"), ("chain:nowhere", 2, "no chain"), ("snapshot:nowhere", 2, "no saved evidence"),
     ("text.db", 3, "could not be read")],
)  # fmt: skip
def test_what_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], left: str, code: int, word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    database(tmp_path / "one.db", STREETS)
    (tmp_path / "text.db").write_text("this is no database at all, but a text\n" * 50)
    assert main(["compare", left, "one.db"]) == code
    assert word in capsys.readouterr().err


def test_audit_of_a_case_and_its_archived_chains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Scene(tmp_path, NEW, archived=DRIFTED)
    case = str(scene.write())
    assert main(["--case", case, "audit", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "forensics/audit/1"
    active, old = document["chains"]
    assert (active["name"], active["active"], active["builds_from_empty"]) == ("main", True, True)
    assert [item["replay"] for item in active["migrations"]] == ["runs"]
    assert (old["active"], old["builds_from_empty"]) == (False, False)
    assert [item["replay"] for item in old["migrations"]] == ["runs", "runs", "fails", "fails"]
    assert [item["cause"] for item in old["findings"]] == ["chain-cannot-build"]
    assert main(["--case", case, "audit"]) == 0
    assert "archived chain archived (archived): cannot build an empty database" in capsys.readouterr().out


def test_audit_without_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chains.write(tmp_path / "m", {"001_a.sql": STREETS, "002_b.sql": "CREATE INDEX i ON streets (gone);",
                                  "003_c.py": "import nowhere\ndef upgrade(conn): pass\n"})  # fmt: skip
    assert main(["audit", "--migrations", "m"]) == 1
    shown = capsys.readouterr().out
    assert "cannot build" in shown or "could not be replayed whole" in shown
    assert "003  could not be run here: " in shown
    assert "nowhere" in shown
    assert main(["audit", "--migrations", "gone"]) == 2
    assert main(["audit", "--migrations", "m", "main"]) == 2
