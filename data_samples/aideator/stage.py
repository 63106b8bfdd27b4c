"""Where the story plays: a private PostgreSQL, the project as of each commit, and the programs that are really run."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock

import history
import psycopg
from psycopg import sql
from serverlog import PREFIX, Clock, interleave, server_lines, told_lines
from sqlalchemy import make_url

ROLE = "aideator"
LIMIT = 180.0  # seconds that a program, or the server's log, is waited for


class Stage:
    """A server and the checkouts of the project. Without `log` the server is somebody's, and what it logs is not read."""

    def __init__(self, address, scratch, log=None):
        self.address = make_url(address).set(drivername="postgresql")
        self.scratch, self.log = scratch, Path(log) if log else None
        self.role = ROLE if log else None
        self.lock = Lock()
        with psycopg.connect(self.url(self.address.database)) as connection:
            self.version = connection.info.server_version // 10000
        if self.log:
            # The cluster is private and new: nobody else's settings are changed.
            self.execute(
                f"ALTER SYSTEM SET log_line_prefix = '{PREFIX}'",
                "ALTER SYSTEM SET log_connections = 'on'",
                "ALTER SYSTEM SET log_disconnections = 'on'",
                "SELECT pg_reload_conf()",
                f"CREATE ROLE {ROLE} LOGIN",
            )

    def url(self, database, driver="postgresql", role=None, password=True):
        """The address of a database as text, with its password where there is one."""
        url = self.address.set(drivername=driver, database=database)
        url = url if password else url._replace(password=None)
        return (url.set(username=role) if role else url).render_as_string(hide_password=False)

    def execute(self, *statements, database=None):
        """Run statements, each in a transaction of its own."""
        with psycopg.connect(self.url(database or self.address.database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def project(self, label):
        """The folder of the project as of a commit."""
        path = self.scratch / label
        with self.lock:
            return path if path.is_dir() else history.checkout(label, path)

    def logged(self):
        """How long the server's log is."""
        return self.log.stat().st_size if self.log else 0


class Environment:
    """One database on its way: who did what to it, and when.

    `statements` is what the server logs of this database besides errors: `none`, `ddl` or `mod`.
    """

    def __init__(self, stage, name, statements="none"):
        self.stage, self.name, self.clock = stage, name, Clock()
        self.database = "aideator_" + re.sub(r"\W", "_", name)
        self.lines = {}
        database = sql.Identifier(self.database)
        with stage.lock:
            stage.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(database))
            stage.execute(sql.SQL("CREATE DATABASE {}").format(database))
        if stage.role:
            stage.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, sql.Identifier(stage.role)),
                sql.SQL("ALTER ROLE {} IN DATABASE {} SET log_statement = {}").format(
                    sql.Identifier(stage.role), database, sql.Literal(statements)
                ),
            )

    @property
    def url(self):
        """The address for the project, with a driver that needs no event loop."""
        return self.stage.url(self.database, "postgresql+psycopg", self.stage.role)

    def start(self, label, *words):
        """Start a program of the project as of a commit, and do not wait for it."""
        env = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": self.url, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.stage.project(label), env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, at, actor, label, *words, keep=True, fails=False):
        """Run a program of the project as of a commit at a time of the story; `keep`: its logs are still there."""
        begin = self.stage.logged()
        process = self.start(label, *words)
        told = self.told(process, label, fails=fails)
        server = self.server(begin)
        if keep:
            self.clock.set(at)
            self.write(actor, interleave(server, told))

    def alembic(self, at, label, *words, actor="migrate", **more):
        """Run Alembic; `actor` is the container that does it."""
        self.run(at, actor, label, "-m", "alembic", *words, **more)

    def app(self, at, label, **more):
        """Start the application."""
        self.run(at, "backend", label, "-m", "app.main", **more)

    def told(self, process, label, *, fails):
        """Wait for a program; what it wrote."""
        out, err = process.communicate(timeout=LIMIT)
        if bool(process.returncode) != fails:
            raise SystemExit(f"{self.name}: {process.args[1:]} ended with {process.returncode}\n{err}")
        return told_lines(err + (out if process.returncode else ""), str(self.stage.project(label)))

    def server(self, begin, *, left=0):
        """What the server has logged since, once no more than `left` sessions are open."""
        if not self.stage.log:
            return []
        until = time.monotonic() + LIMIT
        while True:
            with self.stage.log.open("rb") as file:
                file.seek(begin)
                text = file.read().decode()
            found = server_lines(text, f"{self.stage.role}@{self.database}") if text.endswith("\n") else []
            opened, closed = (sum(flags) for flags in zip(*((line.opens, line.closes) for line in found), strict=True))
            if opened - closed == left and opened:
                return found
            if time.monotonic() > until:
                raise SystemExit(f"{self.name}: a session did not end within {LIMIT:.0f} s")
            time.sleep(0.01)

    def write(self, actor, lines):
        """Put entries on the story's clock, into the logs of the server and of the actor."""
        for line in lines:
            text = self.clock.server(line) if line.pid else self.clock.told(line)
            self.lines.setdefault("postgres" if line.pid else actor, []).append(text)

    def logs(self):
        """The log files: {name: text}."""
        return {f"{self.name}-{actor}.log": "".join(lines) for actor, lines in self.lines.items()}
