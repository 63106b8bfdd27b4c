"""Honesty: the answers follow from the schema and the migrations, not from names, words or times."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import executed, shop

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data_samples" / "architect"
# Words of the sample's own scripts, or of Python, that are also names in its databases.
KEPT = {"environments", "backups", "comments", "dashboards", "attachments", "reactions", "servers", "schema_versions"}


def names() -> list[str]:
    """Return the tables, and those columns whose names are more than a common word, of all the sample's migrations."""
    texts = [path.read_text() for path in (*SAMPLE.glob("migrations/*"), *SAMPLE.glob("app/*.py")) if path.is_file()]
    found = set()
    for text in texts:
        found.update(re.findall(r"(?i)create table (?:if not exists )?(\w+)", text))
        found.update(re.findall(r"(?m)^ +([a-z]+(?:_[a-z]+)+) (?:TEXT|INTEGER|TIMESTAMP|REAL|DATE)\b", text))
    return sorted(found - KEPT - {"applied_at"}, key=len, reverse=True)


def disguised(root: Path) -> Path:
    """Build the sample in other words: tables, columns and versions renamed throughout, descriptions blank, times shuffled."""
    ignored = shutil.ignore_patterns("data", "__pycache__", "*.bundle", ".forensics", "logs")
    case = Path(shutil.copytree(SAMPLE, root / "other", ignore=ignored))
    words = {name: f"q{place}_{name[::-1]}" for place, name in enumerate(names())}
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, words)) + r")\b")
    for path in sorted(case.rglob("*")):
        if path.suffix in (".py", ".sql") and path.name != "check_facts.py":
            text = pattern.sub(lambda match: words[match[1]], path.read_text())
            text = re.sub(r"(?<![\d.:,-])0([0-3]\d)(?!\d)", r"7\1", text)
            path.write_text(re.sub(r"for number in range\((\d+), (\d+)\)", r"for number in range(700 + \1, 700 + \2)", text))
        if re.match(r"0\d\d_", path.name):
            path.rename(path.with_name("7" + path.name[1:]))
    subprocess.run([sys.executable, case / "build.py"], check=True, timeout=60, capture_output=True)
    for database in case.glob("data/**/architect.db"):
        if database.stat().st_size:
            blank(database)
    return case


def blank(database: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone():
            times = [row[0] for row in connection.execute("SELECT applied_at FROM schema_versions ORDER BY id DESC")]
            ids = [row[0] for row in connection.execute("SELECT id FROM schema_versions ORDER BY id")]
            pairs = list(zip(times, ids, strict=True))
            connection.executemany("UPDATE schema_versions SET description = '', applied_at = ? WHERE id = ?", pairs)
            connection.commit()
    finally:
        connection.close()


def answers(case: Path) -> dict[str, dict[str, str]]:
    """Return what a run of the command line says of every migration in every environment."""
    command = [sys.executable, "-m", "forensics", "--case", case, "diagnose", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=case)
    assert done.stdout, done.stderr
    return {item["environment"]["name"]: executed(item) for item in json.loads(done.stdout)["environments"]}


def test_other_names_blank_words_and_shuffled_times_change_no_answer(tmp_path: Path) -> None:
    case = disguised(tmp_path)
    assert not re.search(r"\bmilestones\b", "".join(path.read_text() for path in case.glob("migrations/*.sql")))
    expected = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))["environments"]
    number = re.compile(r"^(\d)(\d\d)")
    for name, said in answers(case).items():
        told = {number.sub(r"0\2", key): value for key, value in said.items()}
        planted = expected[name]["executed"]
        wanted = {key: planted[key] for key in told if key in planted}
        assert {key: told[key] for key in wanted} == wanted, name
        assert len(wanted) >= len(planted), name


def diagnosed(scene: Any) -> dict[str, Any]:
    document: dict[str, Any] = scene.diagnose()
    return document


def test_two_stories_of_one_schema_are_both_told(tmp_path: Path) -> None:
    scene = shop(tmp_path, "001", "002", recorded=("001", "002", "003"))
    scene.edit("003_notes.sql", "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);\nCREATE INDEX notes_text ON notes (text);\n")
    scene.run("003_notes.sql")
    scene.sql("DROP INDEX notes_text")
    document = diagnosed(scene)
    ties = document["explanation"]["ties"]
    assert ties, "stopped before the last statement, or ran and the index was dropped: both leave this schema"
    assert any(item["migration"] == "003" for tie in ties for item in tie["differs"])
    about = [item for item in document["findings"] if any(ref["name"] == "notes_text" for ref in item["objects"])]
    assert about
    for finding in about:
        assert finding["severity"] in ("warning", "info")
        assert finding["alternatives"]


@pytest.mark.parametrize("recorded", [(), ("001",)])
def test_what_no_migration_explains_is_not_reconstructed(tmp_path: Path, recorded: tuple[str, ...]) -> None:
    scene = shop(tmp_path, recorded=recorded)
    scene.sql("CREATE TABLE elsewhere (id INTEGER PRIMARY KEY, what TEXT)")
    document = diagnosed(scene)
    assert document["explanation"]["executed"] == []
    assert document["explanation"]["reconstructed"] is False
