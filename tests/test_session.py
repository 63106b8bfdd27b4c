"""A case at work: what is read when, what is kept, and when nothing is done again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import documents
import pytest

from forensics import acquire as acquisition
from forensics import session
from forensics.errors import DatabaseMissing, DatabaseUnreadable, UsageError
from forensics.model import ChainEvidence, Evidence
from forensics.opening import adhoc, open_case

TOML = """
[chains.main]
path = "migrations"
[environments.dev]
url = "sqlite:///dev.db"
[environments.empty]
url = "sqlite:///empty.db"
[environments.gone]
url = "sqlite:///gone.db"
"""


class Engine(SimpleNamespace):
    """Stands for the engine: it counts, and concludes nothing."""

    def __init__(self) -> None:
        super().__init__(calls=[], opened=[])

    def diagnose(self, evidence: Evidence, source: ChainEvidence, **_: Any) -> dict[str, Any]:
        self.calls.append(evidence.environment)
        state = {"unreadable": "unreadable", "empty": "not-initialised"}.get(evidence.state, "ok")
        found = documents.bare(evidence.environment, state, [])
        found["environment"]["url"] = evidence.url
        return found

    @contextmanager
    def Workshop(self, source: ChainEvidence, **_: Any) -> Iterator[object]:
        self.opened.append(source.chain.name)
        yield object()

    def fleet(self, case: dict[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        return {"schema": "forensics/fleet/1", "case": case, "environments": found, "groups": []}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    monkeypatch.setattr(session, "_engine", lambda: found)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path


def make(root: Path) -> None:
    (root / "migrations").mkdir()
    (root / "migrations" / "001_start.sql").write_text("CREATE TABLE a (x);")
    with closing(sqlite3.connect(root / "dev.db")) as connection:
        connection.executescript(
            "CREATE TABLE schema_versions (id INTEGER PRIMARY KEY, version TEXT, applied_at TIMESTAMP);"
            "INSERT INTO schema_versions (version, applied_at) VALUES ('001', '2026-02-10 19:45:37');"
            "CREATE TABLE a (x);"
        )
    (root / "empty.db").write_bytes(b"")
    (root / "forensics.toml").write_text(TOML)
    for path in root.glob("*.db"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def test_nouns(folder: Path) -> None:
    case = open_case(folder)
    assert (list(case), len(case), "dev" in case, case.names) == (["dev", "empty", "gone"], 3, True, tuple(case))
    dev = case["dev"]
    assert list(dev.snapshot.tables["table"]) == ["schema_versions", "a"]
    assert list(dev.snapshot.columns["column"]) == ["id", "version", "applied_at", "x"]
    assert len(dev.snapshot.objects) > 5
    assert list(dev.history.df["version"]) == ["001"]
    assert str(dev.history.df["recorded_at"].dtype) == "datetime64[us, UTC]"
    assert list(dev.chain.df["id"]) == ["001_start"]
    assert list(dev.timeline()["source"]) == ["tracker"]
    assert len(case["empty"].snapshot.columns) == 0
    with pytest.raises(DatabaseUnreadable, match=r"gone\.db' does not exist"):
        _ = case["gone"].snapshot
    with pytest.raises(UsageError, match="did you mean 'dev'"):
        case["dve"]


def test_opening_and_naming_reads_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquisition, "acquire", None)
    assert "dev" in repr(open_case(folder)["dev"])
    assert not (folder / ".forensics").exists()


def test_second_run_reads_and_replays_nothing(folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_case(folder).document()
    assert (engine.calls, engine.opened) == (["dev", "empty", "gone"], ["main"])
    read = []
    real = acquisition.acquire
    monkeypatch.setattr(acquisition, "acquire", lambda spec, *rest: (read.append(spec.name), real(spec, *rest))[1])
    assert open_case(folder).document() == first
    assert open_case(folder)["dev"].document == first["environments"][0]
    assert (len(engine.calls), engine.opened) == (3, ["main"])
    assert read == ["gone"], "only what has no state to compare is looked at again"


def test_a_change_is_noticed(folder: Path, engine: Engine) -> None:
    open_case(folder).document()
    with closing(sqlite3.connect(folder / "dev.db")) as connection:
        connection.execute("CREATE TABLE b (x)")
    open_case(folder).document()
    assert engine.calls[3:] == ["dev"]
    with closing(sqlite3.connect(folder / "dev.db")) as connection:
        connection.execute("INSERT INTO a VALUES (1)")
        connection.commit()
    open_case(folder).document()
    assert engine.calls[4:] == [], "rows of users' data make no other diagnosis"
    (folder / "migrations" / "001_start.sql").write_text("CREATE TABLE c (x);")
    open_case(folder).document()
    assert engine.calls[4:] == ["dev", "empty", "gone"]
    (folder / "migrations" / "shared.py").write_text("NAME = 'x'\n")
    open_case(folder).document()
    assert engine.calls[7:] == ["dev", "empty", "gone"], "what a migration may import counts too"


def test_acquire_takes_fresh_evidence(folder: Path, engine: Engine) -> None:
    dev = open_case(folder)["dev"]
    before = dev.evidence
    with closing(sqlite3.connect(folder / "dev.db")) as connection:
        connection.execute("CREATE TABLE b (x)")
    assert dev.evidence is before
    dev.acquire()
    assert "b" in list(dev.snapshot.tables["table"])


def test_saved_evidence_touches_no_database(folder: Path, engine: Engine) -> None:
    live = open_case(folder).document()
    for path in folder.glob("*.db"):
        path.unlink()
    assert open_case(folder, evidence=True).document() == live
    kept = (folder / ".forensics" / "evidence").rename(folder / "elsewhere")
    case = open_case(folder, evidence=kept)
    assert list(case["dev"].snapshot.tables["table"]) == ["schema_versions", "a"]
    with pytest.raises(UsageError, match="no folder of evidence"):
        open_case(folder, evidence=folder / "nowhere")
    (kept / "dev" / "evidence.json").write_text("{}")
    assert open_case(folder, evidence=kept)["dev"].evidence.state == "unreadable"


def test_folder_that_cannot_be_written(folder: Path, engine: Engine) -> None:
    (folder / ".forensics").write_text("a file is in the way")
    assert len(open_case(folder).document()["environments"]) == 3
    assert (folder / ".forensics").read_text() == "a file is in the way"


def test_only_what_is_asked_for(folder: Path, engine: Engine) -> None:
    case = open_case(folder)
    done: list[str] = []
    case.progress = done.append
    assert [item["environment"]["name"] for item in case.document(["empty", "dev"])["environments"]] == ["dev", "empty"]
    assert engine.calls == done == ["dev", "empty"]


def test_unreadable_chain_leaves_the_rest(folder: Path, engine: Engine) -> None:
    (folder / "migrations" / "001_start.sql").unlink()
    case = open_case(folder)
    assert "is empty" in case["dev"].chain.record.problems[0].detail
    assert case["dev"].evidence.state == "read"


def test_without_a_case_file(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    make(project)
    (project / "forensics.toml").unlink()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.chdir(project)
    before = sorted(project.rglob("*"))
    found = adhoc("dev.db", migrations="migrations")
    assert found.document["environment"]["name"] == "dev"
    assert found.document["environment"]["url"] == "sqlite:///dev.db"
    assert sorted(project.rglob("*")) == before
    assert list((home / "migration-forensics" / "cache").glob("diagnosis-*.json"))
    with pytest.raises(DatabaseMissing, match=r"nowhere\.db' does not exist"):
        adhoc("nowhere.db", migrations="migrations")
    assert adhoc("migrations", migrations="migrations").evidence.state == "unreadable"
