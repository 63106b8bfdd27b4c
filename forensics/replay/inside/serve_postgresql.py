"""The child for PostgreSQL: the same requests, answered with a private server that lives as long as the child."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import threading
from typing import Any, BinaryIO

from . import numbered, pg_connects, pg_drivers, pg_numbered, sandbox
from .pg_capture import Capture
from .pg_scratch import ROLE, Lent, Scratch
from .pg_script import stands_alone
from .pg_session import PgRecord, Unstacked
from .pg_watch import Touched
from .postmaster import PORT, SUPERUSER, Postmaster
from .record import Record, Stopped
from .serve import Server, Trouble

_PYTHON = ("python", "alembic", "models")


class PostgresServer(Server):
    """Runs steps on a private PostgreSQL. In an isolation of its own the migrations are the server's superuser."""

    def __init__(self, config: dict[str, Any], replies: BinaryIO) -> None:
        super().__init__(config, replies)
        self._postmaster: Postmaster | Lent | None = None
        self._apart = config["isolation"] == "namespaces"

    def power(self) -> None:
        """Start the private server, which is not root's and so must start before the rights are given up."""
        lent = self.config["postgres"].get("lent")
        if lent:
            self._postmaster = Lent(**lent)
            return
        if self._apart:
            sandbox.loopback()
        self._postmaster = Postmaster(
            self.config["postgres"]["bin"], tcp=self._apart, ready=self.config["postgres"]["ready"]
        )

    def open(self) -> None:
        """Choose the driver and connect."""
        assert self._postmaster is not None
        socket = os.path.join(self._postmaster.socket, f".s.PGSQL.{PORT}")
        # Where migrations look for a server in the scratch folder, they find this one.
        os.symlink(socket, os.path.join(self.folder, f".s.PGSQL.{PORT}"))
        addresses: set[Any] = {socket, os.path.join(self.folder, f".s.PGSQL.{PORT}")}
        lent = isinstance(self._postmaster, Lent)
        if self._apart and not lent:
            addresses |= {("127.0.0.1", PORT)}
        self.guard.allowed = frozenset(addresses)
        user = self._postmaster.role or (SUPERUSER if self._apart else ROLE)
        version = self.config["postgres"]["version"]
        try:
            driver = pg_drivers.best(self.hints["driver"])
            opener = pg_drivers.opener(driver)
            self.scratch = Scratch(self._postmaster, version, driver, opener, user, self._inspect)
        except ImportError as error:
            text = f"the migrations' interpreter cannot reach PostgreSQL: {error}"
            raise Trouble(text, "install psycopg, psycopg2 or asyncpg there, or set `python` or `driver`") from error
        self.scratch.single = self.hints["transaction"] == "single"
        self.scratch.staged = self.hints["env_py"] == "run" and bool(self.hints["env_file"])
        pg_connects.install(self.scratch, self.guard)

    def _inspect(self, sql: str) -> None:
        if self.guard.armed:
            pg_connects.inspect(sql, self.guard)

    def start(self) -> dict[str, Any]:
        """Prepare the empty database and check that it is the scratch one. Return what the parent wants to know."""
        scratch = self.scratch
        scratch.prepare()
        marker = os.urandom(8).hex()
        connection = scratch.connect()
        connection.raw(f'CREATE TABLE "{marker}" (x int)')
        rows = connection.answer(["SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"])[0]
        names = [row[0] for row in rows]
        connection.leave()
        hello: dict[str, Any] = {
            "python": platform.python_version(),
            "server": self.config["postgres"]["version"],
            "driver": scratch.driver,
            "isolation": self.config["isolation"],
            "lent": "yes" if isinstance(self._postmaster, Lent) else "",
        }
        if self.config["tool"] == "alembic":
            hello.update(self.alembic().versions())
            names += scratch.spawn(self.alembic().marker)
        if set(names) != {marker}:
            raise RuntimeError("the connection does not lead to the scratch database")
        connection = scratch.connect()
        connection.raw(f'DROP TABLE "{marker}"')
        connection.leave()
        hello.update(scratch.spawn(self.furnish))
        return hello

    def settle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the migration tool's own table; what is there then is the empty database."""
        connection = self.scratch.connect()
        for sql in self.config["tracker"]:
            connection.raw(sql)
        connection.leave()
        self.scratch.settle(Capture(request["near"], request["queries"]))
        self.scratch.place(0, True)
        return {}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one step from the state of a number. Answer ``missing`` where that state is no longer held."""
        number: int = request["from"]
        step: dict[str, Any] = request["step"]
        if request.get("text") is not None:
            self.texts[step["sha"]] = request["text"]
        if not self.scratch.holds(number):
            return {"missing": True}
        text = self.texts.get(step.get("sha", ""), "")
        stacked = not stands_alone(text)
        try:
            reply, record = self._attempted(number, step, stacked)
            if record.unstacked:
                reply, record = self._attempted(number, step, False)
            if record.broken:
                return {**reply, **self._counted(record), "state": number, "lost": self._lost()}
            return self._finished(number, step, reply, record)
        except Exception as error:
            # What is in place is not what it should be: it is made again.
            self.scratch.discard()
            return {"missing": True, "lost": self._lost(), "words": f"{type(error).__name__}: {error}"}

    def _lost(self) -> list[int]:
        lost, self.scratch.lost = self.scratch.lost, []
        return list(lost)

    def _attempted(self, number: int, step: dict[str, Any], stacked: bool) -> tuple[dict[str, Any], PgRecord]:
        self.scratch.place(number, stacked)
        record = PgRecord(step.get("upto"))
        Record.current = record
        path = step.get("path") or "migration"
        reply: dict[str, Any] = {}
        self._watch(path)
        try:
            self.scratch.spawn(self._perform, step, path, record)
        except (Stopped, Unstacked):
            pass
        except BaseException as error:
            reply = self._failure(error, step, path, record)
        self.guard.disarm()
        try:
            record.close()
        except Exception:
            if "error" not in reply:
                raise
            # The step ended its own connection, and with it everything that it had not committed.
            record.broken = True
            self.scratch.discard()
        Record.current = None
        self._reset()
        return reply, record

    @staticmethod
    def _counted(record: PgRecord) -> dict[str, Any]:
        return {"statements": record.statements, "total": record.total, "stopped": record.stopped}

    def _finished(self, number: int, step: dict[str, Any], reply: dict[str, Any], record: PgRecord) -> dict[str, Any]:
        scratch = self.scratch
        reply.update(self._counted(record))
        asked = record.statements or scratch.whole or step["kind"] == "seed"
        touched = scratch.touched() if asked else None
        if record.lasting:
            scratch.clean()
        scratch.release()
        if not touched and not record.wrote:
            reply["state"] = number
        else:
            reply["state"] = scratch.keep()
            reply["captured"] = scratch.capture(touched or Touched(""))
            reply["changed"] = record.wrote
            reply["moved"] = record.moved_rows()
        reply["lost"] = self._lost()
        if step["kind"] in _PYTHON:
            reply["read"] = self._read()
            reply["retire"] = any(item.name != "asyncpg" for item in threading.enumerate()[1:])
        return reply

    def _perform(self, step: dict[str, Any], path: str, record: PgRecord) -> None:
        kind = step["kind"]
        if kind == "alembic":
            self.alembic().run(self.texts[step["sha"]], path, step.get("entry") or "upgrade", record)
        elif kind == "models":
            from . import revisions

            revisions.create_models(self.hints["models"], self.engine(), record)
        elif kind == "seed":
            pg_numbered.seed(step["sql"], self.scratch.connect())
        elif kind == "ddl":
            pg_numbered.run_ddl(step["sql"], self.scratch.connect(), record)
        elif kind == "sql":
            pg_numbered.run_sql(self.texts[step["sha"]], self.hints["runner"], self.scratch.connect(), record)
        else:
            entry = step.get("entry") or self.hints["entry"] or "upgrade"
            pg_numbered.run_python(self.texts[step["sha"]], path, entry, self.scratch, record)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer catalogue queries about the database in place."""
        return {"rows": self.scratch.answer(request["sql"])}

    def _failure(self, error: BaseException, step: dict[str, Any], path: str, record: Record) -> dict[str, Any]:
        if record.caused(error) and record.stopped:
            return {}
        reply = super()._failure(error, step, path, record)
        origin: Any = getattr(error, "orig", None) or error
        diagnosis = getattr(origin, "diag", None)
        plain = getattr(diagnosis, "message_primary", None)
        state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
        if plain is None and state:
            plain = re.sub(r"^<class '[^']+'>: ", "", str(origin)).strip().splitlines()[0]
        if plain:
            reply["error"], reply["code"] = plain, state
        if step["kind"] == "sql":
            reply["line"] = pg_numbered.line_of(self.texts[step["sha"]], record.failed)
        return reply

    def harvest(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run ``env.py`` dry; whatever it does to the database is taken back."""
        self.scratch.place(0, True)
        return super().harvest(request)

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load one Python migration without running it; say why where that fails."""
        path = request["path"]
        self.scratch.place(0, True)
        Record.current = record = PgRecord(0)
        self._watch(path)
        reply: dict[str, Any] = {}
        try:
            module = numbered.load(request["text"], path)
            numbered.function(module, request["entry"] or self.hints["entry"] or "upgrade")
        except BaseException as error:
            reply = super()._failure(error, {"kind": "python"}, path, record)
        self.guard.disarm()
        record.close()
        Record.current = None
        self._reset()
        reply["read"] = self._read()
        reply["lost"] = self._lost()
        return reply

    def _watch(self, path: str) -> None:
        def connect(database: Any, *args: Any, **options: Any) -> Any:
            made = self._connect(database, *args, **options)
            made.set_authorizer(self.guard.authorizer)
            return made

        sqlite3.connect = sqlite3.dbapi2.connect = connect
        self.guard.arm(path)


__all__ = ["PostgresServer", "Trouble"]
