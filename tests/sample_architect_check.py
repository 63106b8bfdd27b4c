"""The sample `architect` is what it says: two builds agree, what is committed is what is built, the facts hold.

Standard library only: `python tests/sample_architect_check.py`, or `check()` from a test.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

SAMPLE = Path(__file__).resolve().parents[1] / "data_samples" / "architect"


def content(case: Path) -> dict[str, object]:
    """Schema rows and tracker rows of every database of a built case, its logs and its history."""
    found: dict[str, object] = {}
    for path in sorted((case / "data").rglob("*.db")):
        with tempfile.TemporaryDirectory() as folder:
            for file in path.parent.glob(path.name + "*"):
                shutil.copy(file, folder)
            with closing(sqlite3.connect(Path(folder, path.name))) as conn:
                rows = conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()
                tracked = any(name == "schema_versions" for _, name, _, _ in rows)
                versions = conn.execute("SELECT * FROM schema_versions ORDER BY id").fetchall() if tracked else []
        found[path.relative_to(case).as_posix()] = (rows, versions)
    for path in [*sorted((case / "logs").iterdir()), case / "history.bundle"]:
        found[path.relative_to(case).as_posix()] = path.read_bytes()
    return found


def check() -> None:
    """Build twice, compare, and check the planted facts."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for target in (first, second):
            subprocess.run([sys.executable, SAMPLE / "build.py", target], check=True)
        built, again = content(Path(first)), content(Path(second))
        assert built == again, "two builds differ"
        for name, text in built.items():
            if isinstance(text, bytes):
                assert (SAMPLE / name).read_bytes() == text, f"{name} is not what build.py makes"
        subprocess.run([sys.executable, SAMPLE / "check_facts.py", first], check=True)


if __name__ == "__main__":
    check()
