"""What a laboratory keeps on disk, and when it stops believing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from laboratory import chain, migration, names, outside, run

from forensics.model import Chain
from forensics.replay import bench
from forensics.replay.lab import Lab, Outcome

FILES = {
    "1.sql": "CREATE TABLE a (x); INSERT INTO a VALUES (1);",
    "2.py": "import helper\n\ndef upgrade(conn):\n    conn.execute(helper.SQL, ())\n",
    "3.sql": "CREATE TABLE a (y);",
}


@pytest.fixture
def made(tmp_path: Path) -> Chain:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "helper.py").write_text("SQL = 'CREATE TABLE helped (x)'\n")
    return chain(FILES, tmp_path / "migrations", sys_path=(str(tmp_path / "src"),))


def story(lab: Lab) -> list[Outcome]:
    outcomes = []
    state = lab.empty
    for item in lab.chain.migrations:
        outcomes.append(run(lab, item.id, state))
        state = outcomes[-1].state
    lab.seed(["CREATE TABLE seeded (x)"])
    lab.load_problems()
    return outcomes


def never(*_: object) -> None:
    raise AssertionError("a child was started")


def test_a_second_laboratory_starts_no_child(made: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab(made, cache=tmp_path / "cache") as lab:
        first = story(lab)
        masters = [lab.master(item.state) for item in first]
        facts = (lab.isolation, lab.server_version, lab.empty)
    monkeypatch.setattr(bench, "start", never)
    with Lab(made, cache=tmp_path / "cache") as lab:
        assert story(lab) == first
        assert [lab.master(item.state) for item in first] == masters
        assert (lab.isolation, lab.server_version, lab.empty) == facts
        assert lab.schema(first[-1].state).groups
    assert [path.name.startswith("replay-") for path in (tmp_path / "cache").iterdir()] == [True]


def test_a_child_goes_on_from_states_of_an_earlier_session(made: Chain, tmp_path: Path) -> None:
    with Lab(made, cache=tmp_path / "cache") as lab:
        last = story(lab)[-1].state
    with Lab(made, cache=tmp_path / "cache") as lab:
        outcome = outside(
            lab, "CREATE TABLE later (x)", "CREATE UNIQUE INDEX u ON a (x)", "INSERT INTO a VALUES (1)", state=last
        )
        assert names(lab, outcome.state) == ["a", "helped", "later", "u"]
        assert outcome.error == "UNIQUE constraint failed: a.x"


def test_a_changed_file_of_the_project_makes_the_cache_void(made: Chain, tmp_path: Path) -> None:
    with Lab(made, cache=tmp_path / "cache") as lab:
        story(lab)
    (tmp_path / "src" / "helper.py").write_text("SQL = 'CREATE TABLE changed_since (x)'\n")
    with Lab(made, cache=tmp_path / "cache") as lab:
        assert names(lab, story(lab)[1].state) == ["a", "changed_since"]


@pytest.mark.parametrize("damage", ["cut", "empty", "other", "list"])
def test_a_damaged_file_counts_as_none(made: Chain, tmp_path: Path, damage: str) -> None:
    with Lab(made, cache=tmp_path / "cache") as lab:
        first = story(lab)
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_text()
    data = json.loads(whole)
    del data["states"]
    path.write_text({"cut": whole[: len(whole) // 2], "empty": "", "other": json.dumps(data), "list": "[]"}[damage])
    with Lab(made, cache=tmp_path / "cache") as lab:
        assert story(lab) == first
    assert json.loads(path.read_text())["states"]


def test_other_hints_use_another_file(made: Chain, tmp_path: Path) -> None:
    with Lab(made, cache=tmp_path / "cache") as lab:
        assert names(lab, run(lab, "1").state) == ["a"]
    other = chain({"1.sql": FILES["1.sql"] + "CREATE TABLE a (z);"}, made.root, runner="transaction")
    with Lab(other, cache=tmp_path / "cache") as lab:
        assert names(lab, run(lab, "1").state) == []
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_no_error(made: Chain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with Lab(made, cache=tmp_path / "file") as lab:
        assert names(lab, run(lab, "1").state) == ["a"]


def test_what_hung_is_tried_again_in_the_next_session(tmp_path: Path) -> None:
    hanging = chain({"1.py": "def upgrade(conn):\n    while True:\n        pass\n"})
    with Lab(hanging, cache=tmp_path, time_limit=0.3) as lab:
        assert run(lab, "1").failure == "timeout"
        assert migration("1.py", "").id == "1"
    with Lab(hanging, cache=tmp_path, time_limit=0.3) as lab:
        assert ("timeout", lab.empty) == (run(lab, "1").failure, run(lab, "1").state)
    data = json.loads(next(tmp_path.iterdir()).read_text())
    assert data["outcomes"] == []
