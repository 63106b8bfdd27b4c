"""A case of a few lines: three migrations, and one environment of each kind, as real SQLite files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

HOSTILE = "a|b <script>`x`"
_MIGRATIONS = {
    "001_users": "-- Users\nCREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);",
    "002_posts": "-- Posts\nCREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(id));",
    "003_tags": "-- Tags\nALTER TABLE posts ADD COLUMN tag TEXT;",
}
_TRACKER = """
CREATE TABLE schema_versions (
    id INTEGER PRIMARY KEY, version TEXT UNIQUE NOT NULL, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    description TEXT, checksum TEXT
);
"""


def build(root: Path, *environments: str) -> Path:
    """Write the case below ``root`` and return its case file. Environments: good, liar, empty, text, hostile."""
    folder = root / "migrations"
    folder.mkdir(parents=True)
    for name, text in _MIGRATIONS.items():
        (folder / f"{name}.sql").write_text(text + "\n", encoding="utf-8")
    lines = ["[case]", 'title = "A small case"', "", "[chains.main]", 'path = "migrations"', 'git = "none"', ""]
    for kind in environments or ("good", "liar", "empty", "text", "hostile"):
        name = HOSTILE if kind == "hostile" else kind
        _database(root / f"{kind}.db", kind)
        lines += [f"[environments.'{name}']", f'url = "sqlite:///{kind}.db"', ""]
    file = root / "forensics.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _database(path: Path, kind: str) -> None:
    if kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"hello world, this is no database\n" * 40)
        return
    connection = sqlite3.connect(path)
    connection.executescript(_TRACKER)
    for place, (name, text) in enumerate(_MIGRATIONS.items(), 1):
        version = name[:3]
        if kind == "good" or version == "001":
            connection.executescript(text)
        if kind == "good" or version in ("001", "002"):
            connection.execute(
                "INSERT INTO schema_versions (version, applied_at, description) VALUES (?, ?, ?)",
                (version, f"2026-02-10 15:38:{place:02d}", name if kind != "hostile" else '<img src=x>|`"\n# no'),
            )
    connection.commit()
    connection.close()
