"""The gate to a server that the case file lends: the only process that holds its credentials.

Run by `forensics.replay.lent`, by its path, with nothing of this package. It makes databases and a role, lets connections through
to these databases only, and removes what was made when the pipe to its parent closes, however that comes about.

A connection that the child opens at the gate's socket needs no password: the gate opens one to the server through libpq,
whatever way of proving who it is the server asks for, and then joins the two. So the child lives in a namespace without
a network all the same, and cannot give away what it never had.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import struct
import sys
import threading
from typing import Any

_SAID = (
    "server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "DateStyle",
    "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "application_name",
    "in_hot_standby", "default_transaction_read_only", "search_path", "scram_iterations",
)  # fmt: skip
_CREATED = re.compile(rb'\bcreate\s+(role|user|group|database)\s+(?!mapping\b)("(?:[^"]|"")+"|\w+)', re.IGNORECASE)
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_NAME = "migration-forensics"
# Nothing that is made here has to survive a crash, and messages are to be those that are known.
_ROLE_SETTINGS = {"timezone": "UTC", "lc_messages": "C", "synchronous_commit": "off", "jit": "off",
                  "plan_cache_mode": "force_generic_plan"}  # fmt: skip
_OWN_SETTINGS = "-c timezone=UTC -c synchronous_commit=off -c jit=off -c plan_cache_mode=force_generic_plan"
_LIMITS = "-c statement_timeout=60000 -c lock_timeout=10000"
_FACTS = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int, r.rolsuper, r.rolcreatedb,
       pg_is_in_recovery(), (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)
  FROM pg_roles AS r WHERE r.rolname = current_user
"""


def quoted(name: str) -> str:
    """Return a name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


class Gate:
    """One server, the databases that were made on it under one prefix, and the connections to them."""

    def __init__(self, parameters: dict[str, Any], folder: str) -> None:
        import psycopg

        self._psycopg: Any = psycopg
        self._parameters = parameters
        self._folder = folder
        self.token = secrets.token_hex(4)
        self.prefix = f"forensics_{self.token}"
        self._users: dict[str, dict[str, Any]] = {}
        self._made: set[tuple[str, str]] = set()
        self._admin = self._own()
        self._lines: list[socket.socket] = []
        self._role = ""
        self._before: set[tuple[str, str]] = set()

    def _connect(self, more: dict[str, Any], **options: Any) -> Any:
        given = {**self._parameters, **more, **options}
        return self._psycopg.connect(autocommit=True, prepare_threshold=None, connect_timeout=10, **given)

    def _own(self) -> Any:
        """Return the gate's own connection, by whose name others see that it is still there."""
        return self._connect({}, application_name=f"{_NAME} {self.token}", options=_LIMITS)

    def facts(self) -> dict[str, Any]:
        """Return what the server is, and what may be done on it."""
        names = ("version", "number", "super", "createdb", "standby", "system", "encrypted")
        return dict(zip(names, self._admin.execute(_FACTS).fetchone(), strict=True))

    def prepare(self, is_super: bool) -> dict[str, Any]:
        """Make the home database, and a role without rights over the system where that may be done."""
        self._sweep()
        self._before = self._there()
        self._admin.execute(f"CREATE DATABASE {quoted(self.prefix)}")
        admin = secrets.token_hex(8)
        self._users[admin] = {}
        if not is_super:
            self._users[admin] = {"options": _OWN_SETTINGS}
            self._try(admin)
            return {"admin": admin, "role": admin, "home": self.prefix, "prefix": self.prefix, "super": False}
        self._role, word = self.prefix, secrets.token_urlsafe(18)
        name = quoted(self._role)
        self._admin.execute(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD '{word}'")
        for setting, value in _ROLE_SETTINGS.items():
            with contextlib.suppress(self._psycopg.Error):
                self._admin.execute(f"ALTER ROLE {name} SET {setting} = '{value}'")
        self._users[self._role] = {"user": self._role, "password": word}
        self._try(self._role)
        return {"admin": admin, "role": self._role, "home": self.prefix, "prefix": self.prefix, "super": True}

    def _try(self, user: str) -> None:
        """Connect as the child will."""
        self._connect(self._users[user], dbname=self.prefix, sslmode="disable", gssencmode="disable").close()

    def _there(self) -> set[tuple[str, str]]:
        rows = self._admin.execute("SELECT 'database', datname FROM pg_database UNION ALL SELECT 'role', rolname FROM pg_roles")
        return {(kind, name) for kind, name in rows}

    def _sweep(self) -> None:
        """Remove what runs have left whose gate is no longer there: a machine that went down leaves databases."""
        rows = self._admin.execute(
            "SELECT 'database', datname, substr(datname, 11, 8) FROM pg_database"
            " WHERE datname ~ '^forensics_[0-9a-f]{8}' AND pg_has_role(datdba, 'usage')"
            " UNION ALL SELECT 'role', rolname, substr(rolname, 11, 8) FROM pg_roles WHERE rolname ~ '^forensics_[0-9a-f]{8}$'"
        ).fetchall()
        alive = {row[0] for row in self._admin.execute(
            "SELECT application_name FROM pg_stat_activity WHERE application_name <> ''")}  # fmt: skip
        for kind, name, token in sorted(rows):
            if f"{_NAME} {token}" not in alive:
                self._drop(kind, name)

    def _drop(self, kind: str, name: str) -> None:
        force = " WITH (FORCE)" if kind == "database" else ""
        with contextlib.suppress(self._psycopg.Error):
            self._admin.execute(f"DROP {kind.upper()} IF EXISTS {quoted(name)}{force}")

    def clean(self) -> None:
        """Remove everything that was made here, by the replay and by what was replayed."""
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        try:
            now = self._there()
        except self._psycopg.Error:  # the connection was lost meanwhile
            self._admin = self._own()
            now = self._there()
        new = now - self._before
        mine = {item for item in new if item[1].startswith(self.prefix) or item in self._made}
        for kind, name in sorted(mine, key=lambda item: (item[0], item[1] == self._role, item[1])):
            self._drop(kind, name)

    def listen(self) -> socket.socket:
        """Return the socket at which the child knocks."""
        door = socket.socket(socket.AF_UNIX)
        path = os.path.join(self._folder, ".s.PGSQL.5432")
        door.bind(path)
        os.chmod(path, 0o777)  # the folder is closed to everybody else
        door.listen(64)
        return door

    def serve(self, door: socket.socket) -> None:
        """Let connections in, each in a thread of its own, for as long as the socket is open."""
        while True:
            try:
                line, _ = door.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError, struct.error):
            given = _greeting(line)
            if given is None:
                return
            user, database = given.pop("user", ""), given.pop("database", "")
            known = self._users.get(user)
            if known is None or not database.startswith(self.prefix):
                line.sendall(_refusal("28000", "a replay opens its scratch databases only"))
                return
            try:
                server, greeting = self._joined(known, database, given)
            except self._psycopg.Error as error:
                line.sendall(_refusal(error.sqlstate or "08006", str(error).strip().splitlines()[-1]))
                return
            with server:
                self._lines.append(server)
                line.sendall(greeting)
                self._pump(line, server)

    def _joined(self, known: dict[str, Any], database: str, given: dict[str, str]) -> tuple[socket.socket, bytes]:
        """Open a connection to the server and take it over from libpq; return it and what a server says when it begins."""
        options = " ".join(filter(None, (known.get("options"), given.pop("options", ""))))
        name = given.pop("application_name", "")
        given.pop("client_encoding", None)
        settings = [f"-c {key}={value}".replace("\\", "\\\\").replace(" ", "\\ ") for key, value in given.items()]
        settings = [text.replace("-c\\ ", "-c ", 1) for text in settings if not text.startswith(("-c _pq_", "-c replication"))]
        made = self._connect(
            known, dbname=database, client_encoding="UTF8", application_name=name, sslmode="disable", gssencmode="disable",
            options=" ".join(filter(None, (options, *settings))),
        )  # fmt: skip
        own = made.pgconn
        said = [(key, own.parameter_status(key.encode())) for key in _SAID]
        words = b"R" + struct.pack("!ii", 8, 0)
        for key, value in said:
            if value is not None:
                text = key.encode() + b"\0" + value + b"\0"
                words += b"S" + struct.pack("!i", 4 + len(text)) + text
        words += b"K" + struct.pack("!iii", 12, own.backend_pid, 0) + b"Z" + struct.pack("!i", 5) + b"I"
        server = socket.socket(fileno=os.dup(own.socket))
        server.setblocking(True)
        # What libpq says when it lets go must not reach the server.
        spare, other = socket.socketpair()
        os.dup2(spare.fileno(), own.socket)
        made.close()
        spare.close()
        other.close()
        return server, words

    def _pump(self, line: socket.socket, server: socket.socket) -> None:
        tail = b""
        while True:
            ready, _, _ = select.select([line, server], [], [])
            if server in ready:
                data = server.recv(1 << 16)
                if not data:
                    return
                line.sendall(data)
            if line in ready:
                data = line.recv(1 << 16)
                if not data:
                    return
                # The server does not tell who made a role, so what is said is listened to.
                for kind, name in _CREATED.findall(tail + data):
                    sort = "database" if kind.lower() == b"database" else "role"
                    text = name.decode("utf-8", "replace")
                    plain = text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
                    self._made.add((sort, plain))
                tail = data[-200:]
                server.sendall(data)


def _exactly(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = line.recv(count - len(found))
        if not part:
            raise OSError("closed")
        found += part
    return found


def _greeting(line: socket.socket) -> dict[str, str] | None:
    """Return what a client says when it begins; None where it only wants another query cancelled."""
    while True:
        length, code = struct.unpack("!ii", _exactly(line, 8))
        rest = _exactly(line, length - 8)
        if code in (_SSL, _GSS):
            line.sendall(b"N")
        elif code == _CANCEL:
            return None
        else:
            words = rest.decode("utf-8", "replace").split("\0")
            return {key: value for key, value in zip(words[::2], words[1::2], strict=False) if key}


def _refusal(state: str, message: str) -> bytes:
    text = f"SFATAL\0VFATAL\0C{state}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", 4 + len(text)) + text


def main() -> None:
    """Say what the server is; on ``go`` make the databases, open the gate, and clean up when the pipe closes."""
    sys.path[:] = [item for item in sys.path if os.path.abspath(item or ".") != os.path.dirname(os.path.abspath(__file__))]

    def say(reply: dict[str, Any]) -> None:
        print(json.dumps(reply), flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = json.loads(sys.stdin.readline())
    try:
        gate = Gate(given["parameters"], given["folder"])
        facts = gate.facts()
    except Exception as error:
        say({"error": str(error).strip(), "state": getattr(error, "sqlstate", None)})
        return
    say(facts)
    if not sys.stdin.readline().strip():
        return
    door: socket.socket | None = None
    try:
        try:
            made = gate.prepare(facts["super"])
            door = gate.listen()
        except Exception as error:
            say({"error": str(error).strip(), "state": getattr(error, "sqlstate", None)})
            return
        threading.Thread(target=gate.serve, args=(door,), daemon=True).start()
        say(made)
        sys.stdin.read()
    finally:
        if door is not None:
            door.close()
        try:
            gate.clean()
        finally:
            shutil.rmtree(given["folder"], ignore_errors=True)


if __name__ == "__main__":
    main()
