"""The scratch databases on the private server, and the states that they hold.

A workspace is one database with a committed base and a stack of savepoints above it, a state each. Going back to a state is
one ``ROLLBACK TO``; what a step needs real transactions for, and what lies deep, is committed and becomes the base.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import pg_watch
from .pg_capture import Capture
from .pg_session import PgRecord, Unstacked
from .postmaster import PORT, Postmaster
from .record import Record

ROLE = "migrator"
STANDS_FOR = "scratch"
_DEPTH = 6
_WORKSPACES = 4
_FORGET = f"SET {pg_watch.SETTING} = ''"
_CLEAN = "RESET ALL; RESET ROLE; RESET SESSION AUTHORIZATION; DISCARD TEMP"


class Lent:
    """A server that was there before, behind a gate at a socket: what is made on it begins with ``prefix``.

    ``admin`` and ``role`` are names at the gate, ``home`` is a database of ours. Without ``super`` nothing is noted of what is
    touched: all is read again after each step.
    """

    def __init__(self, socket: str, admin: str, role: str, home: str, prefix: str, super: bool) -> None:
        self.socket = socket
        self.admin, self.role, self.home, self.prefix, self.superuser = admin, role, home, prefix, super


class Workspace:
    """One database. ``levels`` are the numbers of the states that it holds: the base, then one for each savepoint."""

    def __init__(self, name: str, session: Any, base: int) -> None:
        self.name = name
        self.session = session
        self.levels = [base]
        self.open = False
        self.dirty = False


class _Beside:
    """The home of a second connection: it has real transactions, and may only read while the first one is stacked."""

    stacked = False
    whole = False
    alone = False

    def __init__(self, scratch: Scratch) -> None:
        self.beside = scratch.stacked
        self.inspect = scratch.inspect
        self.words = scratch.words


class Scratch:
    """Hold states by number and put one of them in place. The empty database is number 0.

    ``stacked`` says whether steps run inside an open transaction. ``whole`` is set where a step may have touched more
    than was noted; ``lost`` collects the numbers that are no longer held.
    """

    dialect = "postgresql"

    def __init__(
        self, server: Postmaster | Lent, version: str, driver: str, opener: Any, user: str, refuse: Callable[[str], None]
    ) -> None:
        self.server = server
        self.driver = driver
        self.user = user
        self.single = False
        self.staged = False
        self.stacked = False
        self.beside = False
        self.whole = False
        self.alone = False
        self.lost: list[int] = []
        self.empty = f"{server.prefix}_empty"
        self.current = self.empty
        self.words: list[str] = []
        self._copy = "STRATEGY file_copy" if int(version.split(".")[0].rstrip("abcdefghijklmnopqrstuvwxyz")) >= 15 else ""
        if isinstance(server, Lent):
            self._copy = ""  # others work there, and a copy of files makes the whole server write its buffers
        self._opener = opener
        self._refuse = refuse
        self._admin = self._open(server.home, server.admin)
        self._before = self._shared()
        self._spaces: list[Workspace] = []
        self._space: Workspace | None = None
        self._extra: list[Any] = []
        self._capture: Capture | None = None
        self._next = 1
        self._made = 0

    @property
    def url(self) -> str:
        """An address that always leads to the database in place, as SQLAlchemy takes it."""
        return f"postgresql+{self.driver}://{self.user}@/{STANDS_FOR}?host={self.server.socket}&port={PORT}"

    def spawn(self, call: Callable[..., Any], *args: Any) -> Any:
        """Run what uses the driver; an asynchronous one needs a loop around it, save where `staged`: ``env.py`` brings it."""
        if self.driver != "asyncpg" or self.staged:
            return call(*args)
        from . import pg_asyncpg

        return pg_asyncpg.spawn(call, *args)

    def prime(self, engine: Any) -> None:
        """Connect for the first time; with an asynchronous driver SQLAlchemy wants a loop for that, later none."""
        if self.driver == "asyncpg":
            from . import pg_asyncpg

            pg_asyncpg.spawn_apart(lambda: engine.connect().close())

    def inspect(self, sql: str) -> None:
        """Refuse a statement that reaches out of the server."""
        self._refuse(sql)

    def _open(self, name: str, user: str) -> Any:
        return self._opener(self, {"host": self.server.socket, "port": PORT, "user": user, "dbname": name})

    def prepare(self) -> None:
        """Make the empty database, with what notes the objects that are touched."""
        server = self.server
        if self.user == ROLE:
            self._admin.raw(f"CREATE ROLE {self.user} LOGIN CREATEDB CREATEROLE")
        owner = f"OWNER {self.user}" if self.user != server.admin else ""
        self._admin.raw(f"CREATE DATABASE {self.empty} {owner} {self._copy}")
        self._before |= self._shared()
        if server.superuser:
            maker = self._open(self.empty, server.admin)
            maker.raw(pg_watch.INSTALL)
            if self.user != server.admin:
                maker.raw(f"ALTER SCHEMA public OWNER TO {self.user}")
            maker.really_close()
        self._space = Workspace(self.empty, self._open(self.empty, self.user), 0)

    def settle(self, capture: Capture) -> None:
        """Make what the first database holds now the empty one, from which the others are copied."""
        self._capture = capture
        assert self._space is not None
        self.release()
        self._space.session.really_close()
        self._space = None

    def holds(self, number: int) -> bool:
        """Whether the state of this number can still be put in place."""
        return number == 0 or any(number in space.levels for space in self._spaces)

    def place(self, number: int, stacked: bool) -> None:
        """Put a state in place, for a step inside the open transaction or for one with real ones."""
        space = self._find(number)
        if self.alone and space is not self._space:
            self._share(number)
            space = self._find(number)
        self._space = space
        if space in self._spaces:
            self._spaces.remove(space)
        self._spaces.append(space)
        self.current = space.name
        self.whole = not self.server.superuser
        level, top = space.levels.index(number), len(space.levels) - 1
        self.lost += [item for item in space.levels[level + 1 :] if item]
        space.levels = space.levels[: level + 1]
        back = f"ROLLBACK TO forensics_{level}; " if space.open and (space.dirty or level < top) else ""
        space.dirty = True
        if not stacked or level >= _DEPTH:
            space.session.raw(back + self._flatten(space, stacked) + _FORGET)
        else:
            space.session.raw(back + ("" if space.open else "BEGIN; SAVEPOINT forensics_0; ") + _FORGET)
        space.open = stacked
        self.stacked = stacked

    def _flatten(self, space: Workspace, stacked: bool) -> str:
        """Make the uppermost state the base: committed, or in one transaction still where all is to be one."""
        top = space.levels[-1]
        if self.single and stacked:
            self.lost += space.levels[1:-1]
            space.levels = [space.levels[0], top]
            return "RELEASE forensics_1; SAVEPOINT forensics_1; "
        self.lost += [item for item in space.levels[:-1] if item]
        space.levels = [top]
        return ("COMMIT; " if space.open else "") + ("BEGIN; SAVEPOINT forensics_0; " if stacked else "")

    def _find(self, number: int) -> Workspace:
        found = [space for space in self._spaces if number in space.levels]
        if number:
            return found[0]
        bare = [space for space in found if len(space.levels) == 1]
        if bare:
            return bare[0]
        if len(self._spaces) >= _WORKSPACES:
            if found:
                return found[0]
            self._drop(self._spaces[0])
        self._made += 1
        name = f"{self.server.prefix}_{self._made}"
        owner = f"OWNER {self.user}" if self.user != self.server.admin else ""
        self._admin.raw(f"CREATE DATABASE {name} {owner} TEMPLATE {self.empty} {self._copy}")
        session = self._open(name, self.user)
        if self._capture is not None:
            self._capture.prepare(session)
        return Workspace(name, session, 0)

    def _share(self, number: int) -> None:
        """Remove roles and databases that steps made: they are the same for every database of the server.

        The database in place may rest on them, so it goes as well.
        """
        self.discard()
        self.alone = False
        said = " ".join(self.words).casefold()
        self.words.clear()
        for kind, name in sorted(self._shared() - self._before):
            # On a server of our own nobody else makes anything; on another one only what the steps spelled is theirs.
            if not name.startswith(self.server.prefix) and (not isinstance(self.server, Lent) or name.casefold() in said):
                self._admin.raw(f"DROP {kind} " + '"' + name.replace('"', '""') + '"')

    def _shared(self) -> set[tuple[str, str]]:
        """Return the databases and roles of the server, by kind and name."""
        found: set[tuple[str, str]] = set()
        for kind, query in (
            ("DATABASE", "SELECT datname::text FROM pg_database"), ("ROLE", "SELECT rolname::text FROM pg_roles"),
        ):  # fmt: skip
            found |= {(kind, row[0]) for row in self._admin.answer([query])[0]}
        return found

    def _drop(self, space: Workspace) -> None:
        self._spaces.remove(space)
        self.lost += [item for item in space.levels if item]
        space.session.really_close()
        self._admin.raw(f"DROP DATABASE {space.name} WITH (FORCE)")

    def discard(self) -> None:
        """Give up the database in place: what it holds is not what it should be."""
        if self._space is not None and self._space in self._spaces:
            self._drop(self._space)
        self._space = None

    def touched(self) -> pg_watch.Touched:
        """Return what the step touched."""
        assert self._space is not None
        rows = self._space.session.answer([f"SELECT current_setting('{pg_watch.SETTING}', true)"])
        return pg_watch.Touched(rows[0][0][0] or "", self.whole)

    def capture(self, touched: pg_watch.Touched) -> dict[str, Any] | None:
        """Return the catalogue rows of what a step touched; None where all must be read."""
        assert self._space is not None
        assert self._capture is not None
        return None if touched.whole else self._capture.read(self._space.session, touched)

    def keep(self) -> int:
        """Keep what is in place as a new state and return its number."""
        space = self._space
        assert space is not None
        number, self._next = self._next, self._next + 1
        space.dirty = False
        if self.stacked:
            space.session.raw(f"SAVEPOINT forensics_{len(space.levels)}")
            space.levels.append(number)
        else:
            self.lost += [item for item in space.levels if item]
            space.levels = [number]
        return number

    def release(self) -> None:
        """Close the connections that a step opened beside the first."""
        for session in self._extra:
            session.really_close()
        self._extra.clear()

    def clean(self) -> None:
        """Take back the settings and temporary tables that a step left in its session."""
        assert self._space is not None
        self._space.session.raw(_CLEAN)

    def connect(self) -> Any:
        """Return a recorded connection to the database in place."""
        assert self._space is not None
        session = self._space.session
        record = Record.current
        if session.used:
            session = self._second(record)
        session.used = True
        if isinstance(record, PgRecord):
            record.sessions.append(session)
        return session

    def _second(self, record: Record | None) -> Any:
        """Return one more connection. Where all is one transaction it sees nothing of it, as in the project's own run."""
        assert self._space is not None
        if self.stacked and not self.single and isinstance(record, PgRecord):
            record.unstacked = record.unstacked or "a second connection"
            raise Unstacked(record.unstacked)
        session = self._open(self._space.name, self.user)
        session.home = _Beside(self)
        session.raw("SET lock_timeout = '10s'")  # it may wait for the first one, which waits for it
        self.whole = self.whole or not self.stacked
        self._extra.append(session)
        return session

    def answer(self, statements: list[str]) -> list[list[Any]]:
        """Return the rows of catalogue queries about the database in place."""
        assert self._space is not None
        return list(self._space.session.answer(["SET search_path = ''", *statements, "RESET search_path"])[1:-1])
