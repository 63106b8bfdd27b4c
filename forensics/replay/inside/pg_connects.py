"""Connections to PostgreSQL that a migration opens by itself: to the scratch server they are let through, else refused.

What drivers do in C is not seen here; the isolation of `sandbox` carries the weight.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import Any

from .guard import Guard
from .pg_scratch import Scratch
from .pg_session import PgRecord, Unstacked
from .record import Record

_REACHES = (
    ("network", re.compile(r"\bdblink\w*\s*\(|\bcreate\s+(?:server|subscription|user\s+mapping)\b", re.I)),
    ("process", re.compile(r"\bcopy\b[^;]*\b(?:from|to)\s+program\b", re.I)),
    ("file", re.compile(
        r"\bcopy\b[^;]*?\b(?:from|to)\s+e?'|\blo_(?:im|ex)port\s*\(|\bpg_(?:read|write|ls|stat)_\w*(?:file|dir)\w*\s*\(|"
        r"^\s*load\s+'|\bcreate\s+tablespace\b|\balter\s+system\b", re.I)),
)  # fmt: skip
_WHY = "a replay stays within the scratch server"


def inspect(sql: str, guard: Guard) -> None:
    """Refuse a statement that reaches out of the server: to another one, to a file, to a program."""
    for kind, pattern in _REACHES:
        found = pattern.search(sql)
        if found:
            guard.refuse(kind, " ".join(sql[found.start() :].split())[:120], _WHY)


class Gate:
    """Decides over one target, given as the driver's own parameters."""

    def __init__(self, scratch: Scratch, guard: Guard) -> None:
        self.scratch = scratch
        self.guard = guard
        self.opening = False

    def pass_through(self, given: dict[str, Any]) -> str | None:
        """Return the name of the database to open: the one in place; None where the parameters stay as they are.

        Raises `Refused` for any other server.
        """
        if self.opening or not self.guard.armed:
            return None
        host, port = str(given.get("host") or ""), str(given.get("port") or "5432")
        place = os.path.join(host, f".s.PGSQL.{port}") if host.startswith("/") else None
        local = ("127.0.0.1" if host == "localhost" else host, int(port) if port.isdigit() else 0)
        if place not in self.guard.allowed and local not in self.guard.allowed:
            name = given.get("dbname") or given.get("database") or ""
            self.guard.refuse("connect", f"postgresql {host or 'the default server'} {port} {name}".strip(), _WHY)
        record = Record.current
        if self.scratch.stacked and isinstance(record, PgRecord):
            record.unstacked = record.unstacked or "a connection of its own"
            raise Unstacked(record.unstacked)
        self.scratch.whole = True
        return self.scratch.current


def install(scratch: Scratch, guard: Guard) -> None:
    """Stand in front of every driver that is installed, for good."""
    gate = Gate(scratch, guard)
    plain = scratch._open

    def opened(name: str, user: str) -> Any:
        gate.opening = True
        try:
            return plain(name, user)
        finally:
            gate.opening = False

    scratch._open = opened  # type: ignore[method-assign]
    for stand in (_psycopg, _psycopg2, _asyncpg):
        try:
            stand(gate)
        except ImportError:
            continue


def _psycopg(gate: Gate) -> None:
    import psycopg.conninfo

    generators: Any = importlib.import_module("psycopg.generators")
    original = generators.connect

    def connect(conninfo: str, *args: Any, **options: Any) -> Any:
        given = dict(psycopg.conninfo.conninfo_to_dict(conninfo))
        given["host"] = given.get("host") or given.get("hostaddr")
        name = gate.pass_through(given)
        if name is not None:
            conninfo = psycopg.conninfo.make_conninfo(conninfo, dbname=name)
        return (yield from original(conninfo, *args, **options))

    generators.connect = connect


def _psycopg2(gate: Gate) -> None:
    import psycopg2
    from psycopg2 import _psycopg, extensions

    original = _psycopg._connect

    def connect(dsn: str, *args: Any, **options: Any) -> Any:
        given = dict(extensions.parse_dsn(dsn))
        given["host"] = given.get("host") or given.get("hostaddr")
        name = gate.pass_through(given)
        if name is not None:
            dsn = extensions.make_dsn(dsn, dbname=name)
        return original(dsn, *args, **options)

    psycopg2._connect = _psycopg._connect = connect


def _asyncpg(gate: Gate) -> None:
    connect_utils: Any = importlib.import_module("asyncpg.connect_utils")
    original = connect_utils._connect

    async def connect(*args: Any, **options: Any) -> Any:
        given = _asyncpg_target(options)
        name = gate.pass_through(given)
        if name is not None:
            options["database"] = name
        return await original(*args, **options)

    connect_utils._connect = connect


def _asyncpg_target(options: dict[str, Any]) -> dict[str, Any]:
    from urllib.parse import parse_qs, urlsplit

    given = {name: options.get(name) for name in ("host", "port", "database")}
    if options.get("dsn"):
        url = urlsplit(str(options["dsn"]))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        given["host"] = given["host"] or query.get("host") or url.hostname
        given["port"] = given["port"] or query.get("port") or url.port
        given["database"] = given["database"] or url.path.lstrip("/")
    return given
