"""What users get for bad input: the thing is named with the way out, the exit code is right, the rest is reported."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cases import Scene, check_schema, toml

from forensics import cli
from forensics.acquire import sqlite as acquisition

FILES = {
    "001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
    "002_posts.sql": "CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT);\n",
}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A case in order, in the current folder: ``app.db`` and its migrations."""
    made = Scene(tmp_path, FILES)
    made.run(*FILES)
    made.record("001", "002")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return made


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        out = capsys.readouterr()
        assert "Traceback" not in out.out + out.err
        return code, out.out, out.err

    return command


def adhoc(run: Run, database: str, migrations: str = "migrations", *more: str) -> tuple[int, dict[str, Any], str]:
    """Diagnose one database without a case as JSON; the document is valid, or empty where there is none."""
    code, out, err = run("diagnose", "--db", database, "--migrations", migrations, "--format", "json", *more)
    document = json.loads(out) if out else {}
    if document:
        check_schema(document)
    return code, document, err


def unread(document: dict[str, Any]) -> tuple[str, str]:
    """Return what could not be read, and the way out."""
    (finding,) = (item for item in document["findings"] if item["cause"] == "unreadable")
    assert document["environment"]["state"] == "unreadable"
    return finding["summary"], finding["remedy"]


def test_database_that_is_not_there(scene: Scene, run: Run) -> None:
    code, document, err = adhoc(run, "gone.db")
    assert (code, document) == (2, {})
    assert "gone.db" in err
    assert len(err.splitlines()) == 2, "what happened, and what to do"
    assert not Path("gone.db").exists()


def encrypted(path: Path) -> None:
    path.write_bytes(bytes((at * 193 + 71) % 256 for at in range(8192)))


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:4000] = b"\xff" * 3900
    path.write_bytes(bytes(data))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def text(path: Path) -> None:
    path.write_text("hello, this is a letter and no database\n" * 20)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [encrypted, corrupt, truncated, text, folder])
def test_database_that_cannot_be_read(scene: Scene, run: Run, damage: Callable[[Path], None]) -> None:
    damage(scene.database)
    code, document, _err = adhoc(run, "app.db")
    summary, remedy = unread(document)
    assert code == 3
    assert "app.db" in summary
    assert len(remedy) > 10
    code, out, _err = run("diagnose", "--db", "app.db", "--migrations", "migrations")
    assert code == 3
    assert summary.rstrip(".")[:40] in out.replace("\n", " ")


@pytest.fixture
def locked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    holder = (
        "import sqlite3, sys\nconnection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA locking_mode = EXCLUSIVE')\nconnection.execute('BEGIN EXCLUSIVE')\n"
        "connection.execute('CREATE TABLE held (x)')\nprint('held', flush=True)\nsys.stdin.read()\n"
    )
    monkeypatch.setattr(acquisition, "_PATIENCE", 0.2)
    monkeypatch.setattr(acquisition, "_LOCK_WAIT", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", holder, scene.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield scene.database
        process.communicate("")


def test_database_that_is_locked(locked: Path, run: Run) -> None:
    code, document, _err = adhoc(run, "app.db")
    if document["environment"]["state"] == "unreadable":
        summary, remedy = unread(document)
        assert code == 3
        assert "app.db" in summary
        assert "locked" in summary or "busy" in summary
        assert "wait" in remedy
    else:  # where what was committed before can be read all the same
        assert (code, document["findings"]) == (0, [])


@pytest.mark.parametrize("script", ["", "PRAGMA user_version = 7", "CREATE TABLE probe (x); DROP TABLE probe"])
def test_database_without_anything_is_not_initialised(scene: Scene, run: Run, script: str) -> None:
    scene.database.unlink()
    scene.database.touch()
    scene.sql(script)
    code, document, _err = adhoc(run, "app.db")
    assert (code, document["environment"]["state"]) == (0, "not-initialised")
    assert [item["cause"] for item in document["findings"] if item["severity"] != "info"] == []
    empty = {key: document[key] for key in ("chain", "migrations", "explanation", "next_failure", "failures")}
    assert empty == {"chain": {}, "migrations": [], "explanation": {}, "next_failure": {}, "failures": []}


@pytest.mark.parametrize("kind", ["missing", "empty", "a file", "other files", "no rights"])
def test_migrations_that_cannot_be_read(scene: Scene, run: Run, kind: str) -> None:
    place = Path("elsewhere")
    if kind == "a file":
        place.write_text("x")
    elif kind != "missing":
        place.mkdir()
    if kind == "other files":
        (place / "notes.txt").write_text("nothing")
    if kind == "no rights":
        (place / "001_x.sql").write_text("SELECT 1;")
        place.chmod(0)
    try:
        if kind == "no rights" and os.access(place, os.R_OK):
            place.chmod(0o700)  # the superuser reads everything
            place.joinpath("001_x.sql").unlink()
        code, document, err = adhoc(run, "app.db", "elsewhere")
    finally:
        if place.is_dir():
            place.chmod(0o700)
    said = err or " ".join(unread(document))
    assert code in (2, 3)
    assert "elsewhere" in said


def test_a_migration_that_is_no_text_leaves_the_others(scene: Scene, run: Run) -> None:
    scene.file("003_binary.sql").write_bytes(b"CREATE TABLE caf\xe9 (x);\xff\xfe\x00")
    _code, document, _err = adhoc(run, "app.db")
    told = {item["id"]: item["executed"] for item in document["migrations"]}
    assert (told["001_users"], told["002_posts"], told["003_binary"]) == ("yes", "yes", "unknown")
    assert "003_binary.sql" in json.dumps(document["findings"])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("[case\n", ("forensics.toml", "line 1")),
        ('[chains.main]\npath = "migrations"\n[environments.dev]\nurl = "sqlite:///app.db"\nlog = ["x"]\n', ("log", "logs")),
        ('[chains.main]\npth = "migrations"\n', ("pth", "path")),
        ('[chains.main]\npath = "migrations"\n', ("database",)),
        ("\xff", ("forensics.toml",)),
    ],
    ids=["TOML", "a key", "a key of a chain", "no database", "no UTF-8"],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["status", "diagnose", "report"])
def test_case_file_that_is_wrong(scene: Scene, run: Run, verb: str, case: str, words: tuple[str, ...]) -> None:
    Path("forensics.toml").write_bytes(case.encode("latin-1"))
    code, out, err = run(verb, *(["--all"] if verb == "report" else []))
    assert (code, out) == (2, "")
    assert all(word in err for word in words), err


def test_environment_that_is_not_in_the_case(scene: Scene, run: Run) -> None:
    scene.write()
    code, _out, err = run("diagnose", "ap")
    assert code == 2
    assert "'ap'" in err
    assert "app" in err.splitlines()[1]


BROKEN = {"text.db": text, "gone.db": lambda path: None, "folder.db": lambda path: path.mkdir()}


def test_everything_else_is_reported(scene: Scene, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    for name, make in BROKEN.items():
        make(Path(name))
    Path("zero.db").touch()
    file = scene.write()
    urls = {name.partition(".")[0]: f"sqlite:///{name}" for name in (*BROKEN, "zero.db")}
    urls |= {"unset": "sqlite:///${NOT_SET_HERE}/app.db", "postgres": "postgresql://user:hunter2@localhost:1/x"}
    with file.open("a") as out:
        for name, url in urls.items():
            out.write(f"\n[environments.{name}]\nurl = {toml(url)}\n")
    code, text, err = run("diagnose", "--format", "json")
    document = json.loads(text)
    check_schema(document)
    states = {item["environment"]["name"]: item["environment"]["state"] for item in document["environments"]}
    assert states == {
        "app": "ok", "text": "unreadable", "gone": "unreadable", "folder": "unreadable", "zero": "not-initialised",
        "unset": "unreadable", "postgres": "unreadable",
    }  # fmt: skip
    assert code == 3
    told = {item["environment"]["name"]: item["findings"] for item in document["environments"]}
    assert "NOT_SET_HERE" in told["unset"][0]["summary"]
    assert told["app"] == []
    assert "hunter2" not in text + err
    code, text, _err = run("status")
    assert code == 3
    assert all(name in text for name in states)


HOSTILE = {
    "quotes": 'it\'s "so" `called` [x]',
    "line breaks": "one\ntwo\n\n# three",
    "a pipe": "a|b||c",
    "HTML": "<script>alert(1)</script><img src=x onerror=y>",
    "Markdown": "[x](javascript:y) **b** ![i](http://h/i.png) ---",
    "templates": "{{ 7*7 }} {% x %} ${HOME} %s {0}",
    "control characters": "\x1b[31mred\x07 \u202eback",
    "other scripts": "Ünïcödé-表-🙂",
}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever tables, columns, versions, descriptions and environments are called, it is told as it is and does nothing."""
    monkeypatch.chdir(tmp_path)
    file = f"002_{name}.sql".replace("/", "-")
    files = {
        "001_base.sql": f"CREATE TABLE {quoted(name)} (id INTEGER PRIMARY KEY, {quoted(name)} TEXT DEFAULT 'x');\n",
        file: f"CREATE INDEX {quoted('i ' + name)} ON {quoted(name)} ({quoted(name)});\n",
        "003_never.sql": f"ALTER TABLE {quoted(name)} ADD COLUMN {quoted('never ' + name)} TEXT;\n",
    }
    scene = Scene(tmp_path, files, name=name)
    scene.run("001_base.sql", file)
    scene.sql(f"CREATE TABLE {quoted('by hand ' + name)} (id INTEGER PRIMARY KEY)")
    scene.record("001", "002", "003", description=name)
    scene.record(name)
    document = scene.diagnose()
    told = {item["file"]: item["executed"] for item in document["migrations"]}
    assert list(told.values()) == ["yes", "yes", "no"]
    assert document["explanation"]["reconstructed"]
    causes = {item["cause"] for item in document["findings"]}
    assert causes >= {"recorded-not-executed", "manual-change", "missing-file"}
    objects = {item["name"] for finding in document["findings"] for item in finding["objects"]}
    assert {f"never {name}", f"by hand {name}"} <= objects
    for verb in ("diagnose", "status"):
        code, out, err = run(verb)
        assert (code, err) == (1, "")
        assert not set("\x1b\x07\u202e") & set(out)
    code, out, _err = run("diagnose", "--format", "json")
    assert json.loads(out) == document


def test_hostile_statements_in_a_tracker(scene: Scene, run: Run) -> None:
    """Rows are read, never run or believed: a version that is SQL stays a version."""
    with closing(sqlite3.connect(scene.database)) as connection:
        connection.execute("INSERT INTO schema_versions (version) VALUES (?)", ("'; DROP TABLE users; --",))
        connection.execute("INSERT INTO schema_versions (version, applied_at) VALUES (?, ?)", (b"\xff\x00", "no time"))
        connection.commit()
    before = scene.database.read_bytes()
    code, document, _err = adhoc(run, "app.db")
    assert code == 1
    assert scene.database.read_bytes() == before
    assert {item["id"]: item["executed"] for item in document["migrations"]} == {"001_users": "yes", "002_posts": "yes"}


def test_logs_and_archives_that_are_not_there(scene: Scene, run: Run) -> None:
    code, document, _err = adhoc(run, "app.db", "migrations", "--logs", "none.log", "--archived", "old")
    said = " ".join(item["summary"] for item in document["findings"])
    assert "none.log" in said or "old" in said
    assert {item["id"]: item["executed"] for item in document["migrations"]} == {"001_users": "yes", "002_posts": "yes"}
    assert code in (0, 3)
