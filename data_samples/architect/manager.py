"""The migration manager of the dashboard: a folder of numbered files, a table of versions.

This is part of the sample: it behaves as such managers do in life, faults included.

    python manager.py status|migrate DATABASE [MIGRATIONS]
"""

import hashlib
import importlib.util
import os
import re
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

TRACKER = """
CREATE TABLE IF NOT EXISTS schema_versions (
    id INTEGER PRIMARY KEY,
    version TEXT UNIQUE NOT NULL,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    description TEXT,
    checksum TEXT
)
"""


class MigrationError(Exception):
    """A migration cannot be loaded."""


def utcnow():
    """The clock of the tracker."""
    return datetime.now(UTC)


def to_stderr(level, name, text):
    """Log to the terminal."""
    print(level, f"{name}: {text}", file=sys.stderr)


def collect(folder, listing=os.listdir):
    """Collect the migration files: Python, then SQL, sorted by their prefix and by nothing else."""
    names = [name for name in listing(folder) if re.match(r"\d{3}_", name)]
    python = [name for name in names if name.endswith(".py")]
    sql = [name for name in names if name.endswith(".sql")]
    return sorted(python + sql, key=lambda name: name[:3])


def checksum(path):
    """The md5 of a file's text; written to the tracker, read by nobody."""
    return hashlib.md5(path.read_text().encode()).hexdigest()


def describe(path, version):
    """The first comment of a SQL file."""
    for line in path.read_text().splitlines():
        if line.startswith("--"):
            return line.lstrip("- ").strip()
    return f"SQL Migration {version}"


def load(path, version):
    """Import a Python migration."""
    spec = importlib.util.spec_from_file_location(f"migration_{version}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "upgrade"):
        raise MigrationError(f"Migration {version} missing 'upgrade' function")
    return module


class Manager:
    """Runs what the tracker does not know."""

    def __init__(self, conn, folder, *, log=to_stderr, clock=utcnow, listing=os.listdir):
        self.conn, self.folder, self.log, self.clock, self.listing = conn, Path(folder), log, clock, listing
        conn.execute(TRACKER)
        conn.commit()

    def applied(self):
        """The recorded versions and their times, as they were recorded."""
        return dict(self.conn.execute("SELECT version, applied_at FROM schema_versions ORDER BY id"))

    def pending(self):
        """The files whose prefix is not recorded."""
        applied = self.applied()
        return [name for name in collect(self.folder, self.listing) if name[:3] not in applied]

    def status(self):
        """Log where the database stands."""
        applied, pending = self.applied(), self.pending()
        last = f", last {list(applied)[-1]} at {list(applied.values())[-1]}" if applied else ""
        self.log("INFO", "manager", f"{len(applied)} versions applied{last}; {len(pending)} files pending")

    def migrate(self):
        """Run the pending files in order; the first failure ends the run."""
        self.status()
        for name in self.pending():
            self.log("INFO", "manager", f"Applying {name}")
            try:
                self.apply(self.folder / name)
            except Exception as error:
                self.log("ERROR", "manager", f"Migration {name[:3]} failed: {error}")
                raise

    def apply(self, path):
        """Run one file and record its version."""
        version = path.name[:3]
        if path.suffix == ".py":
            module = load(path, version)
            module.upgrade(self.conn)
            description = getattr(module, "DESCRIPTION", f"Python Migration {version}")
        else:
            self.conn.executescript(path.read_text())
            description = describe(path, version)
        self.conn.execute(
            "INSERT INTO schema_versions (version, applied_at, description, checksum) VALUES (?, ?, ?, ?)",
            (version, f"{self.clock():%Y-%m-%d %H:%M:%S}", description, checksum(path)),
        )
        self.conn.commit()
        self.log("INFO", "manager", f"Applied {version}: {description}")


if __name__ == "__main__":
    verb, database, *rest = sys.argv[1:]
    manager = Manager(sqlite3.connect(database), rest[0] if rest else Path(__file__).parent / "migrations")
    manager.migrate() if verb == "migrate" else manager.status()
