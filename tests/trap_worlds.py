"""Databases full of traps, on one kind of server: built by the chain, by other words for it, and by something else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chains
import psycopg
from cases import TRACKER, check_schema
from traps import Trap, filled, own

import forensics as fx
from forensics.comparison.frames import rows
from forensics.comparison.sides import compare_two
from forensics.replay.cluster import Cluster

Document = dict[str, Any]
TRACKERS = {"sqlite": TRACKER, "postgresql": TRACKER.replace("INTEGER PRIMARY KEY", "serial PRIMARY KEY")}
KINDS = ("chain", "same", "other")


@dataclass(frozen=True)
class World:
    """Three databases by their address; what is said of two of them, and how each of these compares to the first."""

    urls: dict[str, str]
    documents: dict[str, Document]
    compared: dict[str, list[tuple[Any, ...]]]


def sqlite_world(root: Path, traps: dict[str, Trap]) -> World:
    urls = {kind: f"sqlite:///{root / kind}.db" for kind in KINDS}
    for kind, script in _scripts("sqlite", traps).items():
        with closing(sqlite3.connect(root / f"{kind}.db")) as connection:
            for statement in script:
                connection.executescript(statement)
    return _world(root, traps, urls)


def postgresql_world(root: Path, traps: dict[str, Trap], cluster: Cluster) -> World:
    urls = {kind: cluster.url(f"trap_{kind}") for kind in KINDS}
    for kind, script in _scripts("postgresql", traps).items():
        cluster.create(f"trap_{kind}")
        with psycopg.connect(urls[kind], autocommit=True) as connection:
            for statement in script:
                connection.execute(statement)
    return _world(root, traps, urls)


def _scripts(dialect: str, traps: dict[str, Trap]) -> dict[str, list[str]]:
    """Return what builds each database: each migration, or what stands in its place, with its row in the tracker."""
    found = {}
    for kind in KINDS:
        script = [TRACKERS[dialect]]
        for number, (name, trap) in enumerate(traps.items(), start=1):
            at = f"2026-02-10 {10 + number // 60:02}:{number % 60:02}:00"
            script += [
                filled(name, getattr(trap, kind)),
                f"INSERT INTO schema_versions (version, applied_at) VALUES ('{number:03}', '{at}')",
            ]
        found[kind] = script
    return found


def _world(root: Path, traps: dict[str, Trap], urls: dict[str, str]) -> World:
    files = {
        f"{number:03}_{own(name)}.sql": filled(name, trap.chain) + ";\n"
        for number, (name, trap) in enumerate(traps.items(), start=1)
    }
    chains.write(root / "migrations", files)
    lines = ['[chains.main]\npath = "migrations"\ngit = "none"\n']
    lines += [f'[environments.{kind}]\nurl = "{urls[kind]}"\n' for kind in ("same", "other")]
    (root / "forensics.toml").write_text("\n".join(lines))
    document = fx.open_case(root / "forensics.toml").document()
    check_schema(document)
    return World(
        urls=urls,
        documents={item["environment"]["name"]: item for item in document["environments"]},
        compared={kind: compared(urls["chain"], urls[kind]) for kind in ("same", "other")},
    )


def compared(left: str, right: str) -> list[tuple[Any, ...]]:
    """Return the drift between two databases as rows: drift, state, kind, table, name, attribute, left, right ..."""
    return [row for row in rows(compare_two(left, right)) if row[0]]


def about(trap: str, table: str | None, name: str) -> bool:
    """Tell whether an object is one of a trap's own."""
    return (table or name).casefold().startswith(own(trap)) or own(trap) in name.casefold()
