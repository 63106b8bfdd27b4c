"""Logical connections on PostgreSQL: what is executed is written down, and a transaction may be one within a transaction.

On a *stacked* connection everything happens inside one open transaction that is never committed: the migration's own
transactions are savepoints in it, so that going back costs nothing. What cannot be had that way (statements that stand
alone, transaction control in SQL, a second connection ...) raises `Unstacked`; the step is run again with real ones.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any, Protocol

from . import pg_script
from .record import Record, Stopped, plain_parameters

_SAVEPOINT = "forensics_own"
# No transaction may be open; new enum values, pending triggers and procedures that commit need a real end of one.
_ALONE = frozenset({"25001", "55P04", "55006", "2D000"})
_LASTING = re.compile(r"^\s*(?:set|reset)\b|set_config\s*\(|\btemp(?:orary)?\b|\bpg_temp\b", re.IGNORECASE)
_DIRECT = re.compile(r"\b(?:update|insert\s+into|delete\s+from)\s+(?:only\s+)?(?:pg_catalog\.)?\"?pg_\w", re.IGNORECASE)
_WRITING = re.compile(r"\b(?:insert|update|delete|merge|copy|execute|perform|select)\b", re.IGNORECASE)
_SHARED = re.compile(r"\b(?:create|alter|drop)\s+(?:role|user|group|database)\b(?!\s+mapping)", re.IGNORECASE)
_OPAQUE = frozenset({"DO", "CALL", "EXECUTE"})


class Unstacked(RuntimeError):
    """This cannot run inside a transaction of ours."""


class Home(Protocol):
    """What a connection asks of the scratch database that it leads to.

    ``stacked``: it stands inside the transaction that is never committed. ``whole`` is set where a step may have
    touched more than was noted, ``alone`` where it changed what all databases of a server share. On a connection
    ``beside`` one that is stacked nothing may be written.
    """

    stacked: bool
    beside: bool
    whole: bool
    alone: bool
    words: list[str]

    def inspect(self, sql: str) -> None:
        """Refuse a statement that reaches out of the server."""


class PgRecord(Record):
    """What one step executes on PostgreSQL. ``unstacked`` says why the step needs real transactions."""

    def __init__(self, upto: int | None = None) -> None:
        super().__init__(upto)
        self.unstacked = ""
        self.wrote = False
        self.lasting = False
        self.broken = False
        self.sessions: list[Session] = []

    def changed_rows(self) -> bool:
        """Whether a row was inserted, updated or deleted."""
        return self.wrote

    def moved_rows(self) -> bool:
        """Whether a statement may have taken rows away or rewritten them."""
        return any(pg_script.moves_rows(item[0]) for item in self.statements)

    def enter(self, sql: str) -> None:
        """Raise `Stopped` where the step was to end."""
        if self.upto is not None and len(self.statements) >= self.upto:
            self.stopped = True
            self.failed = sql
            self.failure = Stopped("stopped before this statement")
            raise self.failure

    def close(self) -> None:
        """Roll back what is open on every connection of the step."""
        for session in self.sessions:
            session.leave()


class Session:
    """The part of a connection that all drivers share: whose ``raw`` executes SQL text at once, unrecorded."""

    home: Home
    inside = False
    auto = False
    used = False
    splits = True
    _wrote = False

    def raw(self, sql: str) -> None:
        """Execute SQL text, without recording it. Raises the driver's error."""
        raise NotImplementedError

    def failing(self) -> bool:
        """Whether the open transaction has failed, so that it can only be rolled back."""
        raise NotImplementedError

    def failed(self) -> None:
        """Take note that a statement has failed, where the driver does not tell."""

    def within(self) -> bool:
        """Whether the server has a transaction open."""
        raise NotImplementedError

    def begin(self) -> None:
        """Begin a transaction of the migration where none is open and it is not in autocommit."""
        if not self.inside and not self.auto:
            self.raw(f"SAVEPOINT {_SAVEPOINT}" if self.home.stacked else "BEGIN")
            self.inside = True

    def finish(self, keep: bool) -> None:
        """End the migration's transaction; one that has failed is rolled back either way."""
        if not self.inside:
            return
        self.inside = False
        keep = keep and not self.failing()
        wrote = self._settle(keep)
        if not self.home.stacked:
            if self.within():
                self.raw("COMMIT" if keep else "ROLLBACK")
        elif keep:
            # Deferred constraints are checked at the end of a transaction.
            self.raw(("SET CONSTRAINTS ALL IMMEDIATE; " if wrote else "") + f"RELEASE {_SAVEPOINT}")
        else:
            self.raw(f"ROLLBACK TO {_SAVEPOINT}; RELEASE {_SAVEPOINT}")

    def _settle(self, keep: bool) -> bool:
        """Take note that rows were written for good, where they were; a rollback takes them away."""
        wrote, self._wrote = self._wrote and keep, False
        if wrote and isinstance(Record.current, PgRecord):
            Record.current.wrote = True
        return wrote

    def leave(self) -> None:
        """Roll back what is open: the migration has let go of the connection."""
        self.finish(False)
        if not self.home.stacked and self.within():
            self.raw("ROLLBACK")
        self.used = self.auto = False

    def answer(self, statements: list[str]) -> list[list[Any]]:
        """Return the rows of statements that are executed for the parent, unrecorded."""
        raise NotImplementedError

    def perform(self, sql: str, parameters: Any, run: Callable[[str], Any], count: Callable[[], int]) -> Any:
        """Execute ``sql`` by ``run`` and write down what succeeds; ``count`` tells how many rows it wrote.

        Several statements in one text are executed one by one, where that makes no difference.
        """
        record = Record.current
        if not isinstance(record, PgRecord):
            self.begin()
            return run(sql)
        result = None
        parts = pg_script.split_script(sql) if self._splits(sql, parameters) else ()
        for part in parts if len(parts) > 1 else (sql,):
            result = self._one(record, part, parameters, run, count)
        return result

    def _splits(self, sql: str, parameters: Any) -> bool:
        return self.splits and ";" in sql and not parameters and not self.auto

    def _one(
        self, record: PgRecord, sql: str, parameters: Any, run: Callable[[str], Any], count: Callable[[], int]
    ) -> Any:
        home = self.home
        if record.unstacked:
            raise Unstacked(record.unstacked)
        read = pg_script.is_read(sql)
        control = pg_script.is_control(sql)
        if home.beside and not read:
            record.unstacked = "a second connection that writes"
            raise Unstacked(record.unstacked)
        if home.stacked and (control or (not read and pg_script.stands_alone(sql))):
            record.unstacked = f"{pg_script.first_word(sql)} by itself"
            raise Unstacked(record.unstacked)
        record.lasting = record.lasting or _LASTING.search(sql) is not None
        try:
            home.inspect(sql)
            if not read:
                record.enter(sql)
            self.begin()
            result = self._guarded(sql, run) if home.stacked and self.auto else run(sql)
        except Stopped:
            self._break()
            raise
        except BaseException as error:
            self.failed()
            record.fail(sql, error)
            state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
            if home.stacked and state in _ALONE:
                record.unstacked = f"SQLSTATE {state}"
            raise
        if control:
            self._settle(pg_script.first_word(sql) in ("COMMIT", "END"))
            self.inside = self.within()
        if not read:
            word = pg_script.first_word(sql)
            record.statements.append(self._line(sql, parameters, word))
            rows = count()
            unknown = word not in pg_script.DDL and (word not in _OPAQUE or _WRITING.search(sql) is not None)
            self._wrote = self._wrote or rows > 0 or (rows < 0 and unknown)
            home.whole = home.whole or _DIRECT.search(sql) is not None
            if _SHARED.search(sql):  # no trigger tells of these
                home.alone = self._wrote = True
                home.words.append(sql)
            if not self.inside:
                self._settle(True)
        return result

    def _line(self, sql: str, parameters: Any, word: str) -> list[Any]:
        shown, omitted = plain_parameters(parameters)
        ddl = pg_script.is_ddl(sql) or (word in _OPAQUE and re.search(r"\b(create|alter|drop)\b", sql, re.I) is not None)
        return [sql, shown, ddl, omitted]

    def _guarded(self, sql: str, run: Callable[[str], Any]) -> Any:
        """Run one statement of an autocommit connection so that its failure takes back nothing else."""
        self.raw(f"SAVEPOINT {_SAVEPOINT}")
        try:
            result = run(sql)
        except BaseException:
            self.raw(f"ROLLBACK TO {_SAVEPOINT}; RELEASE {_SAVEPOINT}")
            raise
        self.raw(f"RELEASE {_SAVEPOINT}")
        return result

    def _break(self) -> None:
        """Make the open transaction one that has failed, as it would be if the statement had failed."""
        if self.inside and not self.failing():
            with contextlib.suppress(Exception):
                self.raw("SELECT 1/0")

