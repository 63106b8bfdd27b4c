"""Where things are kept between runs: the evidence last acquired, and results by the hash of what they follow from.

Beside the case file that is ``.forensics/``; without a case file it is the user's cache folder. Where that cannot be
written, a temporary folder takes its place and nothing is kept: a read-only checkout works as well.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

from forensics.acquire.store import write
from forensics.case.file import folder_name
from forensics.case.spec import CaseFile
from forensics.model import digest

_KEPT = 500


class Workspace:
    """The folder that belongs to a case. Nothing is created before something is kept."""

    def __init__(self, case: CaseFile) -> None:
        self._wanted = case.root / ".forensics" if case.path else _user_cache()
        self.keeps_evidence = case.path is not None

    @cached_property
    def root(self) -> Path:
        """The folder, made when it is first asked for."""
        try:
            self._wanted.mkdir(parents=True, exist_ok=True)
            ignore = self._wanted / ".gitignore"
            if not ignore.exists():
                write(ignore, b"*\n")
            if os.access(self._wanted, os.W_OK):
                return self._wanted
        except OSError:
            pass
        folder = tempfile.mkdtemp(prefix="forensics-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    @property
    def cache(self) -> Path:
        """The folder of replays and diagnoses."""
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        """The folder of executed notebooks."""
        return self.root / "runs"

    @property
    def evidence(self) -> Path:
        """The folder that holds one folder of evidence an environment."""
        return self.root / "evidence"

    def evidence_of(self, environment: str) -> Path:
        """Return the folder of one environment's evidence."""
        return self.evidence / folder_name(environment)

    def kept(self, kind: str, key: str) -> dict[str, Any] | None:
        """Return what `keep` was given for this key, or None."""
        try:
            found = json.loads((self.cache / f"{kind}-{key}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def keep(self, kind: str, key: str, document: dict[str, Any]) -> None:
        """Keep a document for a key. A full disk or a folder without rights only means that it is not kept."""
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            write(self.cache / f"{kind}-{key}.json", json.dumps(document, separators=(",", ":")).encode("ascii"))
            for old in sorted(self.cache.glob(f"{kind}-*.json"), key=lambda item: -item.stat().st_mtime_ns)[_KEPT:]:
                old.unlink(missing_ok=True)
        except OSError:
            return


def toolmark() -> str:
    """Return a digest of what a result depends on besides its input: this code, the interpreter, SQLite."""
    import sqlite3

    package = Path(__file__).parents[1]
    files = sorted(item for item in package.rglob("*.py"))
    stamps = [[str(item.relative_to(package)), item.stat().st_size, item.stat().st_mtime_ns] for item in files]
    return digest([sys.version, sqlite3.sqlite_version, stamps])


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "migration-forensics"
