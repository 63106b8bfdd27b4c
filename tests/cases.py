"""A case in the making: migrations, a real SQLite file on which some of them were run, what a tracker says, and the rest.

scene = Scene(tmp_path, {"001_users.sql": "CREATE TABLE users (id INTEGER PRIMARY KEY);"})
scene.run("001_users.sql")
scene.record("001")
assert causes(scene.diagnose()) == set()
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import chains
import jsonschema

import forensics as fx

Document = dict[str, Any]

TRACKER = """
CREATE TABLE schema_versions (
    id INTEGER PRIMARY KEY, version TEXT NOT NULL, applied_at TEXT, description TEXT, checksum TEXT
);
"""
ALEMBIC = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);"
START = datetime(2026, 2, 10, 10)


class Scene:
    """One folder of migrations and one database, ``app.db``, in ``root``. Further names go into ``[chains.main]``.

    Its git history counts only where `commit` was called.
    """

    def __init__(
        self,
        root: Path,
        files: Mapping[str, str],
        *,
        archived: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
        name: str = "app",
        **chain: object,
    ) -> None:
        self.root, self.name = root, name
        self.database = root / "app.db"
        self.options = {"path": "migrations", "git": "none", **chain}
        self.logs: list[str] = []
        self._clock = START
        chains.write(root / "migrations", files)
        if archived is not None:
            chains.write(root / "archived", archived)
            self.options["archived"] = ["archived"]
        if sources is not None:
            chains.write(root / "app", sources)
            self.options["sources"] = ["app"]

    def file(self, name: str) -> Path:
        return self.root / "migrations" / name

    def sql(self, script: str, *values: object) -> None:
        """Run a script on the database as a person would, or one statement with values."""
        with closing(sqlite3.connect(self.database)) as connection:
            if values:
                connection.execute(script, values)
            else:
                connection.executescript(script)
            connection.commit()

    def run(self, *names: str) -> None:
        """Run these files as their manager would, as they stand now; one that fails raises."""
        for name in names:
            text = self.file(name).read_text()
            if not name.endswith(".py"):
                self.sql(text)
            elif "down_revision" in text:
                self._revise(text)
            else:
                space: dict[str, Any] = {}
                exec(compile(text, name, "exec"), space)
                with closing(sqlite3.connect(self.database)) as connection:
                    space["upgrade"](connection)
                    connection.commit()

    def _revise(self, text: str) -> None:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations
        from sqlalchemy import create_engine

        engine = create_engine(f"sqlite:///{self.database}")
        space: dict[str, Any] = {}
        with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
            exec(compile(text, "revision.py", "exec"), space)
            space["upgrade"]()
        engine.dispose()

    def track(self, script: str = TRACKER) -> None:
        """Make the tracker's table, empty."""
        self.sql(script)

    def record(self, *versions: str, apart: float = 60, description: str = "", checksum: str = "") -> None:
        """Write a row for each version, ``apart`` seconds after one another (0: all at one instant)."""
        if not self._has("schema_versions"):
            self.track()
        self._clock += timedelta(seconds=60 - apart)
        for version in versions:
            self._clock += timedelta(seconds=apart)
            self.sql(
                "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, ?, ?)",
                version, self._clock.isoformat(" "), description, checksum,
            )  # fmt: skip

    def stamp(self, *revisions: str) -> None:
        """Let Alembic's tracker stand at these revisions."""
        if not self._has("alembic_version"):
            self.track(ALEMBIC)
        self.sql("DELETE FROM alembic_version")
        for revision in revisions:
            self.sql("INSERT INTO alembic_version VALUES (?)", revision)

    def _has(self, table: str) -> bool:
        with closing(sqlite3.connect(self.database)) as connection:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())

    def edit(self, name: str, text: str) -> None:
        self.file(name).write_text(text)

    def commit(self, subject: str, at: str) -> str:
        """Commit the folder of migrations to the case's repository, and let the history count."""
        if not (self.root / ".git").exists():
            chains.git(self.root, "init", "-q", "-b", "main")
        self.options["git"] = "auto"
        chains.git(self.root, "add", "-A", "migrations")
        chains.git(self.root, "commit", "-q", "--allow-empty", "-m", subject, at=at)
        return chains.git(self.root, "rev-parse", "HEAD")

    def log(self, text: str) -> None:
        (self.root / "app.log").write_text(text)
        self.logs = ["app.log"]

    def write(self) -> Path:
        """Write the case file and return it."""
        values = {"chains.main": self.options, f"environments.{toml(self.name)}": {"url": "sqlite:///app.db"}}
        if self.logs:
            values[f"environments.{toml(self.name)}"]["logs"] = self.logs
        lines = [
            line
            for table, pairs in values.items()
            for line in (f"[{table}]", *(f"{key} = {toml(value)}" for key, value in pairs.items()), "")
        ]
        file = self.root / "forensics.toml"
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    def diagnose(self) -> Document:
        """Diagnose through the public API; the document is valid against the schema that the package ships."""
        document = fx.open_case(self.write())[self.name].document
        check_schema(document)
        return document


SHOP = {
    "001_customers.sql": "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n",
    "002_orders.sql": "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id));\n"
    "CREATE INDEX orders_by_customer ON orders (customer_id);\n",
    "003_notes.sql": "ALTER TABLE orders ADD COLUMN notes TEXT;\n",
    "004_tags.sql": "CREATE TABLE tags (id INTEGER PRIMARY KEY, label TEXT UNIQUE);\n",
}
ALL = ("001", "002", "003", "004")


def shop(root: Path, *ran: str, recorded: tuple[str, ...] = (), **options: object) -> Scene:
    """Return a shop where these numbers were run, and recorded (default: the same)."""
    scene = Scene(root, SHOP, **options)  # type: ignore[arg-type]
    scene.track()
    scene.run(*(name for name in SHOP if name[:3] in ran))
    scene.record(*(recorded or ran))
    return scene


def toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@cache
def _validators() -> dict[str, jsonschema.Draft202012Validator]:
    schema = json.loads((resources("forensics") / "diagnosis.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return {
        "forensics/diagnosis/1": jsonschema.Draft202012Validator(
            schema["$defs"]["diagnosis"] | {"$defs": schema["$defs"]}
        ),
        "forensics/fleet/1": jsonschema.Draft202012Validator(schema),
    }


def check_schema(document: Document) -> None:
    """Fail where a document is not what the package's schema says, naming the places."""
    errors = _validators()[document["schema"]].iter_errors(document)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def found(document: Document, cause: str) -> list[Document]:
    """Return the findings of one cause."""
    return [item for item in document["findings"] if item["cause"] == cause]


def one(document: Document, cause: str) -> Document:
    """Return the one finding of a cause."""
    items = found(document, cause)
    assert len(items) == 1, f"{cause}: {len(items)} findings; there are {sorted(causes(document, 'info'))}"
    return items[0]


def causes(document: Document, least: str = "warning") -> set[str]:
    """Return the causes found at a severity or above."""
    severities = ("critical", "error", "warning", "info")
    wanted = severities[: severities.index(least) + 1]
    return {item["cause"] for item in document["findings"] if item["severity"] in wanted}


def executed(document: Document) -> dict[str, str]:
    """Return what was concluded of every migration, by its id."""
    return {item["id"]: item["executed"] for item in document["migrations"]}


def said(finding: Document) -> str:
    """Return everything that a finding says, as one text."""
    return json.dumps(finding, ensure_ascii=False)
