"""The schema of 1,000 tables into typed frames, read for the first time, and the difference of two of them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing

from benchmarks import bare, measure, schemas
from benchmarks.measure import Line, watch

FRAMES = (
    "tables", "columns", "primary_keys", "foreign_keys", "uniques", "checks", "indexes", "views", "triggers",
)  # fmt: skip
COUNT = 1000


def sqlite(rounds: int) -> dict[str, list[Line]]:
    """Measure the snapshot of an SQLite file: schemas whose columns have the names of others, and one of all names new."""
    from forensics import views
    from forensics.catalogs.sqlite import snapshot

    def frames(path: str) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            shown = views.Snapshot(snapshot(connection))
        for name in FRAMES:
            getattr(shown, name)

    found = {}
    with measure.scratch() as folder:
        small = os.path.join(folder, "small.db")
        make_sqlite(small, 2)
        frames(small)  # pandas itself is loaded
        bare.sqlite_rows(small)
        for words, unlike in (("columns named alike", False), ("no column name twice", True)):
            path = os.path.join(folder, f"{int(unlike)}.db")
            make_sqlite(path, COUNT, unlike=unlike)
            found[f"Snapshot, SQLite, {COUNT:,} tables, {words}"] = measure.compare(
                {
                    "five bare statements, rows": lambda path=path: bare.sqlite_rows(path),
                    "snapshot into typed frames": lambda path=path: frames(path),
                },
                rounds=rounds,
                targets={"snapshot into typed frames": 1.5},
            )
    return found


def make_sqlite(path: str, count: int, *, unlike: bool = False) -> None:
    """Write an SQLite file of so many tables."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in schemas.tables(count, unlike=unlike):
            connection.execute(statement)
        connection.commit()


def postgresql(rounds: int) -> dict[str, list[Line]]:
    """Measure the snapshot of a PostgreSQL database on a private server."""
    import psycopg

    from forensics import views
    from forensics.catalogs.postgresql import snapshot
    from forensics.replay.cluster import Cluster

    def rows(url: str) -> None:
        with psycopg.connect(url) as connection, watch:
            bare.postgresql_rows(connection)

    def frames(url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection, watch:
            shown = views.Snapshot(snapshot(connection))
            for name in FRAMES:
                getattr(shown, name)

    found = {}
    with Cluster() as cluster:
        for words, count, unlike in (("", 2, False), ("columns named alike", COUNT, False), ("no column name twice", COUNT, True)):
            name = f"bench_{count}_{int(unlike)}"
            cluster.create(name)
            url = cluster.url(name)
            with psycopg.connect(url) as connection:
                for statement in schemas.tables(count, dialect="postgresql", unlike=unlike):
                    connection.execute(statement)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            if not words:
                frames(url)
                rows(url)
                continue
            found[f"Snapshot, PostgreSQL {cluster.server_version}, {count:,} tables, {words}"] = measure.compare(
                {
                    "nine plain queries, rows": lambda url=url: rows(url),
                    "snapshot into typed frames": lambda url=url: frames(url),
                },
                rounds=rounds,
                targets={"snapshot into typed frames": 0.8},
            )
    return found


def difference(rounds: int) -> dict[str, list[Line]]:
    """Measure the difference of two snapshots in memory, with twenty differences between them."""
    from forensics.catalogs.sqlite import snapshot
    from forensics.diff import diff

    def read(path: str) -> object:
        with closing(sqlite3.connect(path)) as connection:
            return snapshot(connection)

    with measure.scratch() as folder:
        path = os.path.join(folder, "one.db")
        make_sqlite(path, COUNT)
        other = os.path.join(folder, "other.db")
        make_sqlite(other, COUNT)
        with closing(sqlite3.connect(other)) as connection:
            for statement in schemas.altered(COUNT):
                connection.execute(statement)
            connection.commit()

        def apart() -> tuple[object, object]:
            """Two snapshots that share nothing, as two processes would have read them."""
            from forensics.catalogs import sqlite as catalogue

            one = read(path)
            catalogue._built.cache_clear()
            return one, read(other)

        def plain() -> None:
            one, two = apart()
            rows = [
                {(*item.key, item.meaning) for group in side.groups for item in group.objects}  # type: ignore[attr-defined]
                for side in (one, two)
            ]
            with watch:
                len(rows[0] ^ rows[1])

        def compared(*, stored: bool) -> None:
            one, two = apart()
            for group in (*one.groups, *two.groups) if stored else ():  # type: ignore[attr-defined]
                _ = group.meaning
            with watch:
                diff(one, two)  # type: ignore[arg-type]

        return {
            f"Difference of two snapshots of {COUNT:,} tables, 20 changes": measure.compare(
                {
                    "two sets of tuples that are there already": plain,
                    "difference (target: 30 ms)": lambda: compared(stored=False),
                    "difference, digests known (target: 3 ms)": lambda: compared(stored=True),
                },
                rounds=rounds,
            )
        }
