"""Opening SQLite files: what is read is right, and no byte in or beside the file changes."""

from __future__ import annotations

import hashlib
import itertools
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from forensics.acquire import sqlite as sqlite_files
from forensics.acquire.sqlite import open_sqlite, opened
from forensics.errors import DatabaseBusy, DatabaseMissing, DatabaseUnreadable

Listing = dict[str, tuple[str, int, int]]


def listing(folder: Path) -> Listing:
    """Every file below a folder with its hash, its modification time and its inode."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        found[str(path.relative_to(folder))] = (content, facts.st_mtime_ns, facts.st_ino)
    return found


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    before = listing(folder)
    yield
    assert listing(folder) == before


def tables(path: Path) -> list[str]:
    with open_sqlite(path) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY rowid")]


def make(path: Path, *statements: str, mode: str = "delete") -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for statement in statements:
            connection.execute(statement)


def killed(path: Path, script: str) -> None:
    """Run a script on a database in a process that then dies without closing anything."""
    code = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        f"{script}\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def hot_journal(path: Path) -> None:
    """Leave a database as a writer leaves it that is killed in the middle of a transaction."""
    make(path, "CREATE TABLE kept (x)", "INSERT INTO kept SELECT hex(randomblob(400)) FROM json_each('[1,2,3,4,5,6]')")
    killed(
        path,
        "connection.execute('PRAGMA cache_size = 1'); connection.execute('PRAGMA cache_spill = 1')\n"
        "connection.execute('BEGIN'); connection.execute('CREATE TABLE lost (y)')\n"
        'for _ in range(60): connection.execute("INSERT INTO kept VALUES (hex(randomblob(2000)))")',
    )
    assert path.with_name(path.name + "-journal").stat().st_size > 512


def test_rollback_journal_is_opened_in_place(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", "CREATE TABLE b (x)")
    with untouched(tmp_path), opened(path, hashes=True) as found:
        assert "in place" in found.how
        assert [part.sha256 for part in found.files] == [hashlib.sha256(path.read_bytes()).hexdigest()]
        assert tables(path) == ["a", "b"]


def test_nothing_can_be_written_through_the_connection(tmp_path: Path) -> None:
    for mode in ("delete", "wal"):
        path = tmp_path / f"{mode}.db"
        make(path, "CREATE TABLE a (x)", mode=mode)
        with untouched(tmp_path), pytest.raises(DatabaseUnreadable), open_sqlite(path) as connection:
            connection.execute("INSERT INTO a VALUES (1)")


def test_wal_without_its_log(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode="wal")
    assert os.listdir(tmp_path) == ["app.db"]
    with untouched(tmp_path):
        assert tables(path) == ["a"]


def test_wal_left_by_a_killed_writer_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode="wal")
    killed(path, "connection.execute('CREATE TABLE only_in_the_log (x)')")
    assert path.with_name("app.db-wal").stat().st_size > 0
    with untouched(tmp_path), opened(path, hashes=True) as found:
        assert [part.suffix for part in found.files] == ["", "-wal"]
        assert "private copy of the file with its -wal" in found.how
        assert tables(path) == ["a", "only_in_the_log"]


def test_wal_whose_shared_memory_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode="wal")
    killed(path, "connection.execute('CREATE TABLE b (x)')")
    path.with_name("app.db-shm").unlink()
    with untouched(tmp_path):
        assert tables(path) == ["a", "b"]


def test_wal_that_is_missing_its_log_shows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode="wal")
    killed(path, "connection.execute('CREATE TABLE b (x)')")
    path.with_name("app.db-wal").unlink()
    with untouched(tmp_path):
        assert tables(path) == ["a"]


def test_wal_in_use_by_another_connection(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode="wal")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE b (x)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE uncommitted (x)")
        with untouched(tmp_path):
            assert tables(path) == ["a", "b"]
        writer.execute("COMMIT")
        assert tables(path) == ["a", "b", "uncommitted"]


def test_hot_journal_gives_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    hot_journal(path)
    with untouched(tmp_path), opened(path, hashes=True) as found:
        assert [part.suffix for part in found.files] == ["", "-journal"]
        names = [name for (name,) in found.connection.execute("SELECT name FROM sqlite_master")]
        assert (names, found.connection.execute("SELECT count(*) FROM kept").fetchone()) == (["kept"], (6,))


@pytest.mark.parametrize("mode", ["persist", "truncate"])
def test_journal_that_is_only_a_remnant(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", mode=mode)
    assert path.with_name("app.db-journal").exists()
    with untouched(tmp_path):
        assert tables(path) == ["a"]


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_file_that_is_being_written_to(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", "CREATE TABLE b (x)", mode=mode)
    script = (
        "import sqlite3, sys, itertools\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n"
        "connection.execute('PRAGMA synchronous = off'); print('ready', flush=True)\n"
        "for number in itertools.count():\n"
        "    connection.execute('BEGIN IMMEDIATE')\n"
        "    connection.execute('INSERT INTO a VALUES (?)', (number,))\n"
        "    connection.execute('INSERT INTO b VALUES (?)', (number,))\n"
        "    connection.execute('COMMIT')\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for _ in range(10):
            with open_sqlite(path) as connection:
                counts = [connection.execute(f"SELECT count(*), max(x) FROM {name}").fetchone() for name in "ab"]
                assert counts[0] == counts[1]
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert writer.poll() is None
        assert {item.name for item in tmp_path.iterdir()} <= {"app.db", "app.db-wal", "app.db-shm", "app.db-journal"}
    finally:
        writer.kill()
        writer.communicate()


def test_file_that_never_stands_still_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "_PATIENCE", 0.3)
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)", "INSERT INTO a VALUES (zeroblob(30000000))", mode="persist")
    stop = threading.Event()

    def touch() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            os.utime(path, ns=(number, number))
            time.sleep(0.0002)

    thread = threading.Thread(target=touch)
    thread.start()
    try:
        with pytest.raises(DatabaseBusy, match="kept changing"):
            tables(path)
    finally:
        stop.set()
        thread.join()


def test_exclusive_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "_PATIENCE", 0.3)
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)")
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN EXCLUSIVE'); print('ready', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with untouched(tmp_path), pytest.raises(DatabaseBusy, match="locked by another program; wait"):
            tables(path)
    finally:
        holder.communicate()
    assert tables(path) == ["a"]


def test_locks_of_this_process_survive(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "CREATE TABLE a (x)")
    script = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)\n"
        "try: connection.execute('BEGIN IMMEDIATE'); print('got it')\n"
        "except sqlite3.OperationalError: print('locked')\n"
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as own:
        own.execute("BEGIN IMMEDIATE")
        with opened(path, hashes=True) as found:
            assert found.files[0].sha256
        rival = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        assert rival.stdout == "locked\n"


def test_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ro"
    folder.mkdir()
    make(folder / "rollback.db", "CREATE TABLE a (x)")
    make(folder / "wal.db", "CREATE TABLE a (x)", mode="wal")
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        with untouched(folder):
            assert tables(folder / "rollback.db") == tables(folder / "wal.db") == ["a"]
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00\x10\x00\x01\x01\x00\x40\x20\x20" + bytes(76)])
def test_nothing_in_it_is_an_empty_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "app.db"
    path.write_bytes(content)
    with untouched(tmp_path):
        assert tables(path) == []


def test_database_without_any_object_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    make(path, "PRAGMA user_version = 3")
    assert path.stat().st_size > 0
    with untouched(tmp_path):
        assert tables(path) == []


def _cut(path: Path) -> None:
    make(path, *(f"CREATE TABLE t{number} (x)" for number in range(40)))
    path.write_bytes(path.read_bytes()[:2000])


def _scrambled(path: Path) -> None:
    make(path, *(f"CREATE TABLE t{number} (x)" for number in range(40)))
    content = bytearray(path.read_bytes())
    content[100:1000] = os.urandom(900)
    path.write_bytes(content)


def _half(path: Path) -> None:
    make(path, *(f"CREATE TABLE t{number} (x)" for number in range(400)))
    path.write_bytes(path.read_bytes()[:8192])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("-- a script\nCREATE TABLE a (x);\n"), "is a text file"),
        (lambda path: path.write_text("héllo " * 30, encoding="utf-8"), "is a text file"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
        (lambda path: path.write_bytes(os.urandom(8192)), "or it is encrypted; decrypt"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00" + os.urandom(8192)), "damaged or encrypted"),
        (lambda path: path.write_bytes(bytes(4096)), "only zero bytes"),
        (lambda path: path.write_bytes(b"\x1f\x8b" + os.urandom(100)), "gzip"),
        (lambda path: path.write_bytes(b"SQLite format 3\x00"), "cut off"),
        (_cut, "cut off"),
        (_half, "damaged"),
        (_scrambled, "damaged|cannot"),
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "not a regular file"),
    ],
)
def test_what_is_no_readable_database_is_said(tmp_path: Path, damage, words: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "app.db"
    damage(path)
    before = sorted(item.name for item in tmp_path.iterdir())
    with pytest.raises(DatabaseUnreadable, match=words) as caught, open_sqlite(path) as connection:
        connection.execute("SELECT * FROM sqlite_master").fetchall()
    assert "app.db" in str(caught.value)
    assert caught.value.remedy
    assert sorted(item.name for item in tmp_path.iterdir()) == before


def test_missing_file_is_not_created(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("nowhere.db")
    for name in ("app.db", "folder/app.db", "link.db", "zero\0byte.db"):
        with pytest.raises(DatabaseMissing):
            tables(tmp_path / name)
    assert [item.name for item in tmp_path.iterdir()] == ["link.db"]


@pytest.mark.parametrize(
    "name", ["a b.db", "a?mode=rwc.db", "100%25.db", "#x.db", "a'\"|\n.db", os.fsdecode(b"\xff.db")]
)
@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_hostile_file_names(tmp_path: Path, name: str, mode: str) -> None:
    plain = tmp_path / "plain.db"
    make(plain, "CREATE TABLE a (x)", mode=mode)
    path = plain.rename(tmp_path / name)
    with untouched(tmp_path):
        assert tables(path) == ["a"]


def test_link_is_followed_to_the_journal_of_its_target(tmp_path: Path) -> None:
    target = tmp_path / "real" / "app.db"
    target.parent.mkdir()
    make(target, "CREATE TABLE a (x)", mode="wal")
    killed(target, "connection.execute('CREATE TABLE b (x)')")
    (tmp_path / "link.db").symlink_to(target)
    with untouched(tmp_path):
        assert tables(tmp_path / "link.db") == ["a", "b"]


def test_path_longer_than_sqlite_can_open(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(4):
        folder = folder / ("x" * 150)
    folder.mkdir(parents=True)
    plain = tmp_path / "app.db"
    make(plain, "CREATE TABLE a (x)")
    path = plain.rename(folder / "app.db")
    with untouched(tmp_path):
        assert tables(path) == ["a"]
