"""Answer the parent's requests, one JSON line each, for as long as it keeps the pipe open."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sqlite3
import sys
import threading
from typing import Any, BinaryIO

from . import hints, numbered, postmaster, sandbox, script
from .guard import Guard
from .record import Record, Stopped
from .scratch import Scratch

_REQUESTS = {"run": "run", "load": "load", "ask": "ask", "settle": "settle", "harvest": "harvest"}


class Trouble(Exception):
    """The child cannot work; the text says why, ``remedy`` what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


class Server:
    """The state of the child: the scratch database, the guard, what the parent has told it so far."""

    def __init__(self, config: dict[str, Any], replies: BinaryIO) -> None:
        self.config = config
        self.replies = replies
        self.folder: str = config["scratch"]
        self.hints: dict[str, Any] = config["hints"]
        self.guard = Guard(self.folder, os.path.join(self.folder, "scratch.db"), self._attempt)
        self.scratch: Any = None
        self.texts: dict[str, str] = {}
        self.rows: dict[Any, int] = {}
        self._environ: dict[str, str] = {}
        self._path: list[str] = []
        self._connect = sqlite3.connect
        self._modules = 0
        self._tip: int | None = None
        self._told: set[str] = set()
        self._foreign: tuple[str, ...] = ()
        self._alembic: Any = None
        self._engine: Any = None

    def send(self, reply: dict[str, Any]) -> None:
        """Write one line to the parent."""
        self.replies.write(json.dumps(reply).encode("ascii") + b"\n")
        self.replies.flush()

    def _attempt(self, kind: str, target: str, message: str, line: int) -> None:
        self.send({"attempt": [kind, target, message, line]})

    def power(self) -> None:
        """Start what needs rights that are given up before anything of the project runs."""

    def open(self) -> None:
        """Make the scratch database; the packages of the interpreter can be imported by now."""
        self.scratch = Scratch(self.folder, self.guard.authorizer)

    def prepare(self) -> None:
        """Read the interpreter's packages, which was put off until the isolation stood, and install the guard."""
        if self.config["site"]:
            import site

            site.main()
        sys.path[:0] = self.hints["sys_path"]
        self._environ, self._path = dict(os.environ), list(sys.path)
        ours = (self.config["folder"], os.path.dirname(__file__))
        folders = (sys.prefix, sys.base_prefix, *ours, "/proc", "/dev", "/sys")
        self._foreign = tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)
        self.open()
        self.guard.install()

    def start(self) -> dict[str, Any]:
        """Prepare the empty database and check that it is the scratch one. Return what the parent wants to know."""
        self.scratch.place(0)
        marker = os.urandom(8).hex()
        connection = self.scratch.connect()
        connection.plain().execute(f'CREATE TABLE "{marker}" (x)')
        connection.close()
        hello: dict[str, Any] = {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "isolation": self.config["isolation"],
        }
        check = self.scratch.connect()
        names = [row[1] for row in self.scratch.master(check)]
        check.close()
        if self.config["tool"] == "alembic":
            hello.update(self.alembic().versions())
            names += self.alembic().marker()
        if set(names) != {marker}:
            raise RuntimeError("the connection does not lead to the scratch database")
        self.scratch.place(0)
        hello.update(self.furnish())
        before = self._master(self.scratch.master())
        for sql in self.config["tracker"]:
            connection = self.scratch.connect()
            connection.plain().execute(sql)
            connection.close()
        self.scratch.settle(self.scratch.content())
        hello["before"] = before
        hello.update(self._master(self.scratch.master()))
        return hello

    def furnish(self) -> dict[str, Any]:
        """Do what the hints ask for before the first migration. Return what was wrong with each of them."""
        return {"setup": hints.run_setup(self), "convention": hints.read_convention(self)}

    def settled_path(self) -> None:
        """Let the environment and the import path as they are now be those that each migration finds."""
        self._environ, self._path = dict(os.environ), list(sys.path)
        self.unwatch()

    def watch(self, path: str) -> None:
        """Begin to watch what the file of this path does."""
        self._watch(path)

    def unwatch(self) -> None:
        """Stop watching, and put back what was changed."""
        self.guard.disarm()
        self._reset()

    def failure(self, error: BaseException, kind: str, path: str, record: Record) -> dict[str, Any]:
        """Return what an error of something of the project says that is no migration."""
        return self._failure(error, {"kind": kind}, path, record)

    def engine(self) -> Any:
        """Return the SQLAlchemy engine of the scratch database."""
        if self._engine is None:
            from . import revisions

            self._engine = revisions.make_engine(self.scratch)
        return self._engine

    def alembic(self) -> Any:
        """Return the part that runs Alembic revisions, which imports Alembic and SQLAlchemy."""
        if self._alembic is None:
            from . import revisions

            self._alembic = revisions.Revisions(self.config, self.scratch, self.guard, self.engine())
        return self._alembic

    def _master(self, rows: list[Any]) -> dict[str, Any]:
        """Return ``sqlite_master`` as numbers of rows, and the rows that the parent does not know yet."""
        fresh, numbers = [], []
        for row in rows:
            number = self.rows.get(row)
            if number is None:
                number = self.rows[row] = len(self.rows)
                fresh.append(row)
            numbers.append(number)
        return {"rows": fresh, "master": numbers}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one step from the content of a number. Answer ``missing`` where that content is no longer held.

        Without a number it begins where the last step ended, and is ``skipped`` where that one was not complete.
        """
        step: dict[str, Any] = request["step"]
        if request.get("text") is not None:
            self.texts[step["sha"]] = request["text"]
        number, self._tip = self._tip if request["from"] is None else request["from"], None
        if number is None:
            return {"skipped": True}
        if not self.scratch.holds(number):
            return {"missing": True}
        kept = step["kind"] in ("sql", "ddl", "seed")
        if not kept:
            self.scratch.part()
        self.scratch.place(number)
        before = self.scratch.counter() if kept else self.scratch.content()
        record = Record.current = Record(step.get("upto"))
        path = step.get("path") or "migration"
        reply: dict[str, Any] = {}
        if kept:
            self.guard.arm(path)
        else:
            self._watch(path)
        try:
            self._execute(step, path, record)
        except Stopped:
            pass
        except BaseException as error:
            reply = self._failure(error, step, path, record)
        self.guard.disarm()
        record.close()
        Record.current = None
        if not kept:  # no SQL reaches what is put back here
            self._reset()
        reply["statements"] = record.statements
        reply["total"] = record.total
        reply["stopped"] = record.stopped
        self._look(number, before, kept, reply, record)
        reply["lost"], self.scratch.lost = self.scratch.lost, []
        if "error" not in reply and not record.stopped:
            self._tip = reply["state"]
        if step["kind"] in ("python", "alembic", "models"):
            reply["read"] = self._read()
            reply["retire"] = threading.active_count() > 1
        return reply

    def _look(self, number: int, before: bytes, kept: bool, reply: dict[str, Any], record: Record) -> None:
        """Say what state the step has left, and which rows of ``sqlite_master`` it has."""
        scratch = self.scratch
        home = record.connections[0] if kept and record.connections else None
        lasting = any(script.lasts(item[0]) for item in record.statements) or record.failed is not None
        if lasting or home is None:
            scratch.part()
            home = None
        if (scratch.counter() if kept else scratch.content()) == before:
            reply["state"] = number
            return
        # A script that only creates and fills adds rows at the end of what was there; a new column changes one of them.
        wide = {item[0]: script.widened(item[0]) for item in record.statements}
        if home is not None and scratch.top and all(name or script.only_adds(sql) for sql, name in wide.items()):
            turned = self._master(scratch.tables(home, sorted({name.lower() for name in wide.values() if name})))
            added = self._master(scratch.master(home, scratch.top))
            reply["rows"] = turned["rows"] + added["rows"]
            reply.update({"added": added["master"], "turned": turned["master"]})
        else:
            reply.update(self._master(scratch.master(home)))
        reply["state"] = scratch.advance()
        reply["changed"] = record.changed_rows()
        reply["moved"] = record.moved_rows()

    def _execute(self, step: dict[str, Any], path: str, record: Record) -> None:
        kind = step["kind"]
        if kind == "alembic":
            self.alembic().run(self.texts[step["sha"]], path, step.get("entry") or "upgrade", record)
        elif kind == "models":
            from . import revisions

            revisions.create_models(self.hints["models"], self.engine(), record)
        elif kind == "seed":
            numbered.seed(step["sql"], self.scratch.again())
        elif kind == "ddl":
            numbered.run_ddl(step["sql"], self.scratch.again(), record)
        elif kind == "sql":
            numbered.run_sql(self.texts[step["sha"]], self.hints["runner"], self.scratch.again(), record)
        else:
            entry = step.get("entry") or self.hints["entry"] or "upgrade"
            numbered.run_python(self.texts[step["sha"]], path, entry, self.scratch, self.scratch.connect(), record)
            record.total = len(record.statements)

    def _failure(self, error: BaseException, step: dict[str, Any], path: str, record: Record) -> dict[str, Any]:
        caused = record.caused(error)
        if caused and record.stopped:
            return {}
        origin = getattr(error, "orig", None) or error
        known = isinstance(origin, (sqlite3.Error, numbered.Unloadable))
        line = numbered.place(error, path)
        if step["kind"] == "sql":
            line = numbered.line_of(self.texts[step["sha"]], record.failed)
        return {
            "failed": record.failed if caused else None,
            "error": str(origin) if known else f"{type(error).__name__}: {error}",
            "type": type(error).__name__,
            "missing_name": str(getattr(error, "name", None) or (error.args[0] if error.args else "")),
            "line": line,
            "loading": record.loading,
            "origin": None if line else numbered.origin(error, self._foreign),
        }

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load one Python migration without running it; say why where that fails."""
        path = request["path"]
        self.scratch.place(0)
        self._watch(path)
        reply: dict[str, Any] = {}
        try:
            module = numbered.load(request["text"], path)
            numbered.function(module, request["entry"] or self.hints["entry"] or "upgrade")
        except BaseException as error:
            reply = self._failure(error, {"kind": "python"}, path, Record())
        self.guard.disarm()
        self._reset()
        reply["read"] = self._read()
        return reply

    def harvest(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Run ``env.py`` dry for the arguments of ``configure()``; say why where that fails."""
        from . import harvest, revisions

        path = self.hints["env_file"]
        reply: dict[str, Any] = {}
        Record.current = record = Record()
        self._watch(path)
        try:
            reply["arguments"] = harvest.harvest(
                path, self.hints["config_file"], self.scratch.url, lambda: revisions.make_engine(self.scratch)
            )
        except BaseException as error:
            reply = self._failure(error, {"kind": "python"}, path, record)
        self.guard.disarm()
        record.close()
        Record.current = None
        self._reset()
        return reply

    def _watch(self, path: str) -> None:
        scratch = self.scratch

        def connect(database: Any, *args: Any, **options: Any) -> Any:
            if os.path.realpath(os.fsdecode(database).split("?")[0].replace("file:", "", 1)) == self.guard.database:
                options.pop("factory", None)
                return scratch.connect(**options)
            made = self._connect(database, *args, **options)
            made.set_authorizer(self.guard.authorizer)
            return made

        sqlite3.connect = sqlite3.dbapi2.connect = connect
        self.guard.arm(path)

    def _reset(self) -> None:
        sqlite3.connect = sqlite3.dbapi2.connect = self._connect
        if dict(os.environ) != self._environ:
            os.environ.clear()
            os.environ.update(self._environ)
        sys.path[:] = self._path
        sys.argv[:] = ["migrate"]
        os.chdir(self.config["work"])

    def _read(self) -> list[str]:
        """Return the files of the project that were read since the last time: they are part of what was replayed."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
            self.guard.read.update(os.path.abspath(file) for file in files if file)
        found = [name for name in self.guard.read - self._told if not name.startswith(self._foreign)]
        self._told.update(found)
        self.guard.read.clear()
        return sorted(found)


def serve(config: dict[str, Any], requests: BinaryIO, replies: BinaryIO) -> None:
    """Enter the isolation, greet the parent, then answer until it closes the pipe."""
    if config["dialect"] == "postgresql":
        from .serve_postgresql import PostgresServer

        server: Server = PostgresServer(config, replies)
    else:
        server = Server(config, replies)
    if config["isolation"] == "namespaces":
        folders = [config["root"], *sys.path, sys.prefix, sys.base_prefix, os.path.dirname(__file__), *config["keep"]]
        try:
            sandbox.enter(config["folder"], folders, (requests.fileno(), replies.fileno()), server.power)
        except sandbox.Unavailable as error:
            server.send({"unavailable": str(error)})
            os._exit(0)
        except postmaster.NoServer as error:
            server.send({"trouble": error.what, "remedy": error.remedy})
            os._exit(0)
    else:
        try:
            server.power()
        except postmaster.NoServer as error:
            server.send({"trouble": error.what, "remedy": error.remedy})
            os._exit(0)
        with contextlib.suppress(sandbox.Unavailable):
            sandbox.drop()
    for name in ("scratch", "home", "work"):
        os.makedirs(config[name], exist_ok=True)
    os.chdir(config["work"])
    sandbox.limits()
    try:
        server.prepare()
    except Trouble as error:
        server.send({"trouble": str(error), "remedy": error.remedy})
        os._exit(0)
    server.send(server.start())
    os.dup2(1, 2)
    for line in requests:
        request = json.loads(line)
        server.send(getattr(server, _REQUESTS[request["op"]])(request))
