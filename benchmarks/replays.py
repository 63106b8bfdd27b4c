"""A chain replayed from nothing, with the schema after each of its steps, beside the same scripts run bare."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from importlib import import_module
from typing import Any

from benchmarks import bare, measure, schemas
from benchmarks.measure import Line, watch


def chain(texts: list[str], **hints: Any) -> Any:
    """Return a chain of SQL files with these texts."""
    from forensics.model import Chain, Content, Hints, Migration

    made = []
    for number, text in enumerate(texts, start=1):
        data = text.encode()
        content = Content(text=text, sha256=hashlib.sha256(data).hexdigest(), md5=hashlib.md5(data).hexdigest())
        name = f"{number:04}_step"
        made.append(
            Migration(id=name, version=f"{number:04}", name=name, file=f"{name}.sql", content=content, language="sql")
        )
    return Chain(
        name="main", tool="numbered", path="migrations", root="/nowhere", migrations=tuple(made), hints=Hints(**hints)
    )


def replayed(texts: list[str], dialect: str) -> None:
    """Replay the texts in the laboratory, whose child process is there already, and ask for each schema."""
    from forensics.replay.lab import Lab, RunMigration

    import_module("forensics.catalogs." + dialect)  # before anything is timed

    lines = chain(texts)
    with Lab(lines, dialect=dialect) as lab:
        state = lab.empty
        with watch:
            for migration in lines.migrations:
                outcome = lab.run(state, RunMigration(migration=migration))
                if outcome.error:
                    raise RuntimeError(f"{migration.id}: {outcome.error}")
                state = outcome.state
                lab.schema(state)


def sqlite(rounds: int, counts: tuple[int, ...] = (50, 200, 500)) -> dict[str, list[Line]]:
    """Measure chains of these lengths on SQLite."""
    found = {}
    for count in counts:
        texts = schemas.migrations(count)

        def plain(texts: list[str] = texts) -> None:
            with measure.scratch() as folder, closing(sqlite3.connect(os.path.join(folder, "bare.db"))) as connection:
                bare.pragmas(connection)
                with watch:
                    for text in texts:
                        connection.executescript(text)

        found[f"Replay of {count} migrations on SQLite"] = measure.compare(
            {
                "the scripts, bare": plain,
                "laboratory, the schema after each": lambda texts=texts: replayed(texts, "sqlite"),
            },
            rounds=rounds,
            targets={"laboratory, the schema after each": 1.4} if count == 500 else {},
        )
    return found


def postgresql(rounds: int, counts: tuple[int, ...] = (50, 200, 500)) -> dict[str, list[Line]]:
    """Measure chains of these lengths on PostgreSQL, each script in a transaction of its own."""
    import psycopg

    from forensics.replay.cluster import Cluster

    found = {}
    with Cluster() as cluster:
        for count in counts:
            texts = schemas.migrations(count, dialect="postgresql")

            def plain(texts: list[str] = texts) -> None:
                cluster.drop("bare")
                cluster.create("bare")
                with psycopg.connect(cluster.url("bare")) as connection, watch:
                    for text in texts:
                        connection.execute(text)
                        connection.commit()

            found[f"Replay of {count} migrations on PostgreSQL {cluster.server_version}"] = measure.compare(
                {
                    "the scripts, bare": plain,
                    "laboratory, the schema after each": lambda texts=texts: replayed(texts, "postgresql"),
                },
                rounds=rounds,
                targets={"laboratory, the schema after each": 2.0} if count == 500 else {},
            )
    return found
