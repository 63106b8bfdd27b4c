"""Many SQLite databases in few states, read into frames; and one environment diagnosed with what was replayed before."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks import bare, measure, schemas
from benchmarks.measure import Line, watch

DATABASES, STATES, TABLES = 1000, 20, 50
_TRACKER = "CREATE TABLE schema_version (version TEXT PRIMARY KEY, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)"


def fleet(rounds: int) -> dict[str, list[Line]]:
    """Measure the schemas and histories of a whole fleet into frames, for the first time and again."""
    import forensics

    with measure.scratch() as folder:
        root = Path(folder)
        paths = _databases(root)
        (root / "forensics.toml").write_text(
            '[case]\ntitle = "Fleet"\n\n[chains.main]\npath = "migrations"\ngit = "none"\n\n[fleet]\nglob = "{env}.db"\n'
        )

        def fingerprints() -> None:
            for path in paths:
                bare.fingerprint(str(path))

        def frames() -> None:
            case = forensics.open_case(root / "forensics.toml")
            for name in case:
                item = case[name]
                _ = item.snapshot.tables, item.snapshot.columns, item.history.df

        def again() -> None:
            case = forensics.open_case(root / "forensics.toml")
            for name in case:
                _ = case[name].key

        def first() -> None:
            shutil.rmtree(root / ".forensics", ignore_errors=True)
            with watch:
                frames()

        first_words, again_words = "schemas and histories into frames", "the same fleet, no file changed"
        return {
            f"Fleet of {len(paths):,} SQLite databases of {TABLES} tables in {STATES} states": measure.compare(
                {"a fingerprint of each, bare": fingerprints, first_words: first, again_words: again},
                rounds=rounds,
                targets={first_words: 1.2, again_words: 0.05},
            )
        }


def _databases(root: Path) -> list[Path]:
    texts = schemas.migrations(2 * TABLES)
    folder = root / "migrations"
    folder.mkdir()
    for number, text in enumerate(texts, start=1):
        (folder / f"{number:03}_step.sql").write_text(text)
    made = []
    for state in range(STATES):
        path = root / f"env{state:04}.db"
        with closing(sqlite3.connect(path)) as connection:
            bare.pragmas(connection)
            connection.execute(_TRACKER)
            for number, text in enumerate(texts[: len(texts) - STATES + 1 + state], start=1):
                connection.executescript(text)
                connection.execute("INSERT INTO schema_version (version) VALUES (?)", (f"{number:03}",))
            connection.commit()
        made.append(path)
    for number in range(STATES, DATABASES):
        path = root / f"env{number:04}.db"
        shutil.copyfile(made[number % STATES], path)
        made.append(path)
    return made


def diagnosis(rounds: int) -> dict[str, list[Line]]:
    """Measure a diagnosis whose replays are in the cache beside the reading of the database alone."""
    import forensics

    with measure.scratch() as folder:
        root = Path(folder)
        texts = schemas.migrations(100)
        (root / "migrations").mkdir()
        for number, text in enumerate(texts, start=1):
            (root / "migrations" / f"{number:03}_step.sql").write_text(text)
        with closing(sqlite3.connect(root / "one.db")) as connection:
            connection.execute(_TRACKER)
            for number, text in enumerate(texts, start=1):
                if number != 90:
                    connection.executescript(text)
                connection.execute("INSERT INTO schema_version (version) VALUES (?)", (f"{number:03}",))
            connection.commit()
        (root / "forensics.toml").write_text(
            '[case]\ntitle = "One"\n\n[chains.main]\npath = "migrations"\ngit = "none"\n\n'
            '[environments.one]\nurl = "sqlite:///one.db"\n'
        )

        def touched() -> None:
            """Forget the evidence and the diagnosis, and keep the replays."""
            shutil.rmtree(root / ".forensics" / "evidence", ignore_errors=True)
            for path in (root / ".forensics" / "cache").glob("diagnosis-*"):
                path.unlink()

        def read() -> None:
            touched()
            with watch:
                found = forensics.open_case(root / "forensics.toml")["one"]
                _ = found.snapshot.tables, found.snapshot.columns, found.snapshot.indexes, found.history.df

        def diagnosed() -> None:
            touched()
            with watch:
                _ = forensics.open_case(root / "forensics.toml")["one"].document

        diagnosed()
        read()
        words = "diagnosis, replays in the cache"
        title = "Diagnosis of one environment (100 migrations, one of them recorded and not executed)"
        ways = {"its evidence and frames": read, words: diagnosed}
        assert os.listdir(root / ".forensics" / "cache")
        return {title: measure.compare(ways, rounds=rounds, targets={words: 1.2})}
