"""What is wrong with the files themselves, numbered ones: for each rule a case that fires, and near misses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import Scene, causes, executed, found, one, said

BASE = {
    "001_people.sql": "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);\n",
    "002_pets.sql": "CREATE TABLE pets (id INTEGER PRIMARY KEY, person_id INTEGER);\n",
}
COLOUR = "ALTER TABLE pets ADD COLUMN colour TEXT;\n"


def kept(root: Path, files: dict[str, str], *versions: str, **options: object) -> Scene:
    """Return a case of `BASE` and further files; the base was run and recorded, and so were these versions."""
    scene = Scene(root, BASE | files, **options)  # type: ignore[arg-type]
    scene.track()
    scene.run(*BASE, *(name for name in files if name[:3] in versions))
    scene.record("001", "002", *versions)
    return scene


@pytest.mark.parametrize(("same", "severity"), [(True, "warning"), (False, "error")])
def test_duplicate_version(tmp_path: Path, same: bool, severity: str) -> None:
    other = COLOUR if same else "ALTER TABLE people ADD COLUMN born TEXT;\n"
    document = kept(tmp_path, {"003_colour.sql": COLOUR, "003_colour 2.sql": other}).diagnose()
    finding = one(document, "duplicate-version")
    assert (finding["severity"], finding["scope"]) == (severity, "chain")
    assert finding["migrations"] == ["003_colour", "003_colour 2"]
    assert {item["id"] for item in document["migrations"]} >= {"003_colour", "003_colour 2"}


def test_no_duplicate_version_of_files_with_the_same_name(tmp_path: Path) -> None:
    files = {"003_change.sql": COLOUR, "004_change.sql": "CREATE TABLE toys (id INTEGER PRIMARY KEY);\n"}
    assert kept(tmp_path, files, "003", "004").diagnose()["findings"] == []


def test_chain_cannot_build(tmp_path: Path) -> None:
    files = {"003_toys.sql": "CREATE INDEX toys_by_pet ON toys (pet_id);\n",
             "004_toys.sql": "CREATE TABLE toys (id INTEGER PRIMARY KEY, pet_id INTEGER);\n"}  # fmt: skip
    document = kept(tmp_path, files).diagnose()
    finding = one(document, "chain-cannot-build")
    assert (finding["severity"], finding["scope"], finding["migrations"]) == ("error", "chain", ["003"])
    assert "no such table: main.toys" in finding["summary"]
    assert "needs 004" in finding["summary"]
    assert document["chain"]["builds_from_empty"] is False


def test_no_chain_cannot_build_where_each_goes_through(tmp_path: Path) -> None:
    document = kept(tmp_path, {"003_colour.sql": COLOUR}).diagnose()
    assert causes(document) == set()
    assert document["chain"]["builds_from_empty"] is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def migrate(connection):\n    pass\n", "missing 'upgrade' function (it defines migrate())"),
        ("def upgrade(connection)\n    pass\n", "line 1"),
    ],
    ids=["another function", "a syntax error"],
)
def test_unloadable_migration(tmp_path: Path, text: str, words: str) -> None:
    good = "def upgrade(connection):\n    connection.execute('CREATE TABLE toys (id INTEGER PRIMARY KEY)')\n"
    document = kept(tmp_path, {"003_toys.py": good, "004_games.py": good, "005_odd.py": text}).diagnose()
    finding = one(document, "unloadable-migration")
    assert (finding["severity"], finding["scope"], finding["migrations"]) == ("error", "chain", ["005"])
    assert words in said(finding)


def test_no_unloadable_migration_where_the_function_is_imported_or_assigned(tmp_path: Path) -> None:
    text = "class Change:\n    pass\n\ndef _up(connection):\n    connection.execute('CREATE TABLE toys (x)')\n\nupgrade = _up\n"
    document = kept(tmp_path, {"003_toys.py": text}, "003").diagnose()
    assert (document["findings"], executed(document)["003_toys"]) == ([], "yes")


def test_replay_escape(tmp_path: Path) -> None:
    outside = tmp_path / "other.db"
    text = (
        "import sqlite3\n\ndef upgrade(connection):\n"
        f"    try:\n        sqlite3.connect({str(outside)!r}).execute('CREATE TABLE stolen (x)')\n"
        "    except Exception:\n        pass\n    connection.execute('CREATE TABLE toys (id INTEGER PRIMARY KEY)')\n"
    )
    scene = kept(tmp_path, {"003_toys.py": text})
    before = scene.database.read_bytes()
    document = scene.diagnose()
    finding = one(document, "replay-escape")
    assert (finding["severity"], finding["migrations"]) == ("warning", ["003"])
    assert "other.db" in said(finding)
    assert not outside.exists()
    assert scene.database.read_bytes() == before


def test_no_replay_escape_where_it_reads_a_file_beside_it(tmp_path: Path) -> None:
    text = (
        "from pathlib import Path\n\ndef upgrade(connection):\n"
        "    connection.executescript(Path(__file__).with_name('toys.txt').read_text())\n"
    )
    scene = kept(tmp_path, {"003_toys.py": text, "toys.txt": "CREATE TABLE toys (id INTEGER PRIMARY KEY);"})
    scene.sql("CREATE TABLE toys (id INTEGER PRIMARY KEY);")
    scene.record("003")
    document = scene.diagnose()
    assert (document["findings"], executed(document)["003_toys"]) == ([], "yes")


NEEDS = "from warehouse_rules import SHAPE\n\ndef upgrade(connection):\n    connection.execute(SHAPE)\n"


def test_not_replayable(tmp_path: Path) -> None:
    document = kept(tmp_path, {"003_shape.py": NEEDS}).diagnose()
    finding = one(document, "not-replayable")
    assert (finding["severity"], finding["migrations"]) == ("warning", ["003"])
    assert "warehouse_rules" in said(finding)
    assert "`sys_path`" in said(finding)
    assert document["chain"]["builds_from_empty"] is None
    assert executed(document)["001_people"] == "yes"


def test_no_not_replayable_with_the_hint_in_place(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "warehouse_rules.py").write_text("SHAPE = 'CREATE TABLE shapes (id INTEGER PRIMARY KEY)'\n")
    scene = kept(tmp_path, {"003_shape.py": NEEDS}, sys_path=["lib"])
    scene.sql("CREATE TABLE shapes (id INTEGER PRIMARY KEY)")
    scene.record("003")
    document = scene.diagnose()
    assert (document["findings"], executed(document)["003_shape"]) == ([], "yes")


@pytest.mark.parametrize("text", ["-- to be written\n", "SELECT 1;\n"])
def test_empty_migration(tmp_path: Path, text: str) -> None:
    document = kept(tmp_path, {"003_later.sql": text}, "003").diagnose()
    finding = one(document, "empty-migration")
    assert (finding["severity"], finding["migrations"]) == ("info", ["003"])
    assert executed(document)["003_later"] == "unknown"
    assert document["environment"]["state"] == "ok"


@pytest.mark.parametrize("text", ["UPDATE pets SET person_id = 1;\n", "ANALYZE;\n", "PRAGMA user_version = 3;\n"])
def test_no_empty_migration_of_data(tmp_path: Path, text: str) -> None:
    assert not found(kept(tmp_path, {"003_data.sql": text}, "003").diagnose(), "empty-migration")


def test_no_empty_migration_that_is_not_recorded(tmp_path: Path) -> None:
    assert not found(kept(tmp_path, {"003_later.sql": "-- to be written\n"}).diagnose(), "empty-migration")


def test_unreadable_archived_chain(tmp_path: Path) -> None:
    scene = kept(tmp_path, {})
    scene.options["archived"] = ["nowhere"]
    document = scene.diagnose()
    finding = one(document, "unreadable")
    assert (finding["scope"], finding["severity"]) == ("chain", "warning")
    assert "nowhere" in said(finding)
    assert executed(document) == {"001_people": "yes", "002_pets": "yes"}
    assert document["environment"]["state"] == "ok"
