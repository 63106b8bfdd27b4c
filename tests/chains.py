"""What the tests of chains, histories and timelines share: folders, trackers and repositories, all real."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

GIT = {
    "GIT_AUTHOR_NAME": "Ann O'Nym", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    "PATH": os.environ["PATH"],
}  # fmt: skip


class Tables:
    """A reader over a SQLite connection: the smallest one that the protocol allows."""

    dialect = "sqlite"
    server_version = sqlite3.sqlite_version

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.fetched: list[str] = []

    def columns(self) -> Mapping[str, tuple[str, ...]]:
        rows = self.connection.execute(
            "select m.name, c.name from sqlite_master m, pragma_table_xinfo(m.name) c "
            "where m.type = 'table' order by m.rowid"
        )
        found: dict[str, tuple[str, ...]] = {}
        for table, column in rows:
            found[table] = (*found.get(table, ()), column)
        return found

    def fetch(self, table: str, columns: Sequence[str]) -> list[dict[str, object]]:
        self.fetched.append(table)
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        name = table.replace('"', '""')
        cursor = self.connection.execute(f'select rowid, {quoted} from "{name}" order by rowid')
        return [dict(zip(["rowid", *columns], row, strict=True)) for row in cursor]


@contextmanager
def database(script: str) -> Iterator[Tables]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(script)
        yield Tables(connection)
    finally:
        connection.close()


def table(name: str, columns: str, rows: str = "") -> str:
    """Return the script that makes a table, with rows spelled as in SQL."""
    return f'create table "{name}" ({columns});' + (f'insert into "{name}" values {rows};' if rows else "")


def write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def git(folder: Path, *arguments: str, at: str = "2026-01-01T00:00:00Z") -> str:
    environment = {**GIT, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "HOME": str(folder)}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, subject: str, at: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject, at=at)
    return git(folder, "rev-parse", "HEAD")
