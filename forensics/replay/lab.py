"""The laboratory: run any step from any state of a scratch database and see what comes of it.

States and steps are addressed by content, so that nothing is run twice. Migration code runs only in a child process
(`forensics.replay.inside`) that is started on the first step whose outcome is not known yet.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from forensics.errors import ReplayError
from forensics.model import Chain, Migration, Snapshot
from forensics.replay.advice import advice
from forensics.replay.child import Child, ChildLost, start
from forensics.replay.inside.script import is_read, split_script
from forensics.replay.ledger import Ledger, Row, Wire, attempts, identity, statements
from forensics.replay.steps import Attempt, Outcome, RunMigration, RunStatements, Statement, Step

__all__ = ["Attempt", "Lab", "Outcome", "RunMigration", "RunStatements", "Statement", "Step"]

_VERSION_TABLE = (
    'CREATE TABLE "{name}" (\n\tversion_num VARCHAR(32) NOT NULL, \n\tCONSTRAINT "{name}_pkc" PRIMARY KEY (version_num)\n)'
)


class Lab:
    """Replay the steps of one chain on scratch databases. A context manager.

    ``tracker`` are the statements that make the migration tool's own table, which is there before the first migration
    and is left out of every schema. ``time_limit`` is in seconds, for one step. Nothing is raised for a migration that
    fails, hangs or kills its process: its `Outcome` says so. Raises `ReplayError` where no child can be started at all.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        dialect: str = "sqlite",
        cache: Path | None = None,
        trust: bool = False,
        tracker: Iterable[str] = (),
        time_limit: float = 60.0,
        isolation: str = "auto",
    ) -> None:
        if dialect != "sqlite":
            raise ReplayError(f"there is no scratch database for {dialect}", remedy="replay works for SQLite")
        self.chain = chain
        self.cache = cache
        self.trust = trust or chain.hints.trust
        self.time_limit = time_limit
        self._wanted = isolation
        self.tracker = tuple(tracker)
        self._ledger = Ledger()
        self._memo: dict[Any, Outcome] = {}
        self._schemas: dict[str, Snapshot] = {}
        self._seeds: dict[tuple[str, ...], str] = {}
        self._child: Child | None = None
        self._held: dict[str, int] = {}
        self._sent: set[str] = set()
        self._numbers: list[int] = []
        self._hidden: frozenset[str] = frozenset()
        self._empty = ""
        self._problems: dict[str, str] | None = None

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process. The lab can still be asked: it starts another."""
        if self._child is not None:
            self._child.close()
        self._child = None
        self._held.clear()
        self._sent.clear()
        self._numbers.clear()

    @property
    def empty(self) -> str:
        """The key of the state before the first migration."""
        if not self._empty:
            self._start()
        return self._empty

    @property
    def isolation(self) -> str:
        """How the child is kept away from everything else: ``namespaces``, ``guard`` or ``none``."""
        return str(self._start().hello["isolation"])

    @property
    def server_version(self) -> str:
        """The version of SQLite that replays."""
        return str(self._start().hello["sqlite"])

    def run(self, state: str, step: Step) -> Outcome:
        """Run a step from a state. What was run before is only looked up."""
        key: Any
        if isinstance(step, RunMigration):
            key = (state, step.migration.content.text, step.upto, step.migration.file, step.migration.entry)
        else:
            key = (state, step.statements)
        found = self._memo.get(key)
        if found is None:
            file = step.migration.file if isinstance(step, RunMigration) else None
            wire = self._ledger.wire(step, self.chain.tool, self._path(file))
            found = self._memo[key] = self._run(state, wire, file or "")
        return found

    def master(self, state: str) -> tuple[Row, ...]:
        """Return the rows of ``sqlite_master`` in their order, without SQLite's and the migration tool's own."""
        rows = self._ledger.rows
        return tuple(rows[number] for number in self._ledger.states[state].rows)

    def schema(self, state: str) -> Snapshot:
        """Return the schema of a state."""
        found = self._schemas.get(state)
        if found is None:
            from forensics.catalogs.sqlite import groups

            found = self._schemas[state] = Snapshot(
                dialect="sqlite", server_version=self.server_version, groups=groups(self.master(state))
            )
        return found

    def statements(self, migration: Migration) -> tuple[str, ...]:
        """Return the statements of an SQL migration that could change something, in order; nothing for Python."""
        if migration.language != "sql":
            return ()
        return tuple(piece for piece in split_script(migration.content.text) if not is_read(piece))

    def seed(self, rows: Iterable[Row | str]) -> str:
        """Return the state that stored statements make from nothing, for asking what a run would do there.

        ``rows`` are rows of ``sqlite_master`` or their statements, in its order. Raises `ReplayError` naming a statement
        that SQLite does not take.
        """
        wanted = tuple(sql for row in rows if (sql := row if isinstance(row, str) else row[3]))
        found = self._seeds.get(wanted)
        if found is None:
            outcome = self._run(self.empty, {"kind": "seed", "sql": list(wanted)}, "")
            if outcome.error is not None:
                raise ReplayError(f"a stored schema could not be rebuilt: {outcome.error}")
            found = self._seeds[wanted] = outcome.state
        return found

    def load_problems(self) -> dict[str, str]:
        """Return, by migration id, why a Python migration cannot be loaded, with the hint that would help."""
        if self._problems is None:
            self._problems = {}
            for migration in self.chain.migrations:
                if migration.language == "python" and (problem := self._load(migration)):
                    self._problems[migration.id] = problem
        return self._problems

    def models(self) -> Outcome | None:
        """Return what the ``models`` of the hints build from nothing, or None where there are no such hints."""
        if not self.chain.hints.models:
            return None
        return self._run(self.empty, {"kind": "models"}, "")

    def _load(self, migration: Migration) -> str:
        request = {"op": "load", "text": migration.content.text, "path": self._path(migration.file), "entry": migration.entry}
        try:
            reply, _ = self._start().ask(request, self.time_limit)
        except ChildLost as lost:
            self.close()
            return f"loading it ended the process: {lost.detail}"
        if "error" not in reply:
            return ""
        hint = advice(reply["type"], reply["error"], reply["missing_name"])
        return f"{reply['error']}; {hint}" if hint else str(reply["error"])

    def _path(self, file: str | None) -> str:
        return os.path.join(self.chain.root, file) if file else ""

    def _run(self, state: str, wire: Wire, file: str) -> Outcome:
        key = (state, identity(wire))
        found = self._ledger.outcomes.get(key)
        if found is not None:
            return found
        if state not in self._ledger.states:
            raise ReplayError(f"there is no state {state!r} in this lab", remedy="take one from `empty`, `run` or `seed`")
        try:
            reply, tried = self._ask(state, wire)
        except ChildLost as lost:
            self.close()
            outcome = Outcome(
                before=state, state=state, error=lost.detail, failure=lost.reason, attempts=attempts(lost.attempts, file),
                hint="the limit is `time_limit`" if lost.reason == "timeout" else "",
            )  # fmt: skip
        else:
            outcome = self._outcome(state, wire, file, reply, tried)
        self._ledger.outcomes[key] = outcome
        return outcome

    def _outcome(self, state: str, wire: Wire, file: str, reply: dict[str, Any], tried: list[list[Any]]) -> Outcome:
        after = self._take(state, wire, reply, None)
        error = reply.get("error")
        failure = ""
        if error is not None:
            sort = reply["type"]
            failure = "sql" if reply["failed"] is not None else "load" if reply.get("loading") else "python"
            hint = advice(sort, error, reply["missing_name"]) if failure != "sql" else ""
        line = reply.get("line")
        return Outcome(
            before=state,
            state=after,
            statements=statements(reply["statements"]),
            total=reply["total"],
            failed=reply.get("failed"),
            error=error,
            attempts=attempts(tried, file),
            place=f"{file}:{line}" if line and error is not None else "",
            failure=failure,
            hint=hint if failure else "",
            stopped=reply["stopped"],
        )

    def _take(self, state: str, wire: Wire, reply: dict[str, Any], known: str | None) -> str:
        """Remember where the child keeps the content that a step led to, and return its key."""
        if "master" not in reply:
            return state
        rows = self._rows(reply)
        before = self._ledger.states[state]
        data = before.data
        if reply["changed"]:
            data = hashlib.sha256(f"{data}\n{identity(wire)}".encode()).hexdigest()[:32]
        key = known or self._ledger.state(rows, data, (state, wire))
        self._held[key] = reply["state"]
        return key

    def _rows(self, reply: dict[str, Any]) -> list[int]:
        for row in reply["rows"]:
            item: Row = (row[0], row[1], row[2], row[3])
            self._numbers.append(-1 if self._internal(item) else self._ledger.number(item))
        return [number for index in reply["master"] if (number := self._numbers[index]) >= 0]

    def _internal(self, row: Row) -> bool:
        return row[1].lower().startswith("sqlite_") or row[2].lower() in self._hidden

    def _ask(self, state: str, wire: Wire) -> tuple[dict[str, Any], list[list[Any]]]:
        """Have the child run a step from a state, which it is led to first where it does not hold it any more."""
        for _ in range(3):
            self._start()
            for origin, step, target in self._ledger.path_to(state, self._held):
                reply, _ = self._send(origin, step)
                if reply.get("missing"):
                    del self._held[origin]
                    break
                self._take(origin, step, reply, target)
                if target not in self._held:
                    self._held[target] = self._held[origin]
            else:
                reply, tried = self._send(state, wire)
                if not reply.get("missing"):
                    if reply.get("retire"):
                        self._retired = True
                    return reply, tried
                del self._held[state]
        raise ReplayError("the replay process keeps losing the states that it is led to", remedy="report this")

    def _send(self, state: str, wire: Wire) -> tuple[dict[str, Any], list[list[Any]]]:
        request: dict[str, Any] = {"op": "run", "from": self._held[state], "step": wire}
        sha = wire.get("sha")
        if sha and sha not in self._sent:
            request["text"] = self._ledger.texts[sha]
            self._sent.add(sha)
        return self._start().ask(request, self.time_limit)

    def _needs_packages(self) -> bool:
        hints = self.chain.hints
        return bool(hints.setup or hints.models) or any(item.language == "python" for item in self.chain.migrations)

    def _start(self) -> Child:
        if self._child is None:
            hints = self.chain.hints
            tracker = self.tracker
            if not tracker and self.chain.tool == "alembic":
                name = (hints.version_table or "alembic_version").rpartition(".")[2].replace('"', '""')
                tracker = (_VERSION_TABLE.format(name=name),)
            config = {
                "tool": self.chain.tool,
                "tracker": tracker,
                "root": self.chain.root,
                "isolation": self._wanted,
                "site": self._needs_packages(),
                "keep": [*hints.sys_path, hints.setup],
                "hints": {
                    "runner": hints.runner,
                    "entry": hints.entry,
                    "setup": hints.setup,
                    "sys_path": hints.sys_path,
                    "naming_convention": hints.naming_convention,
                    "models": hints.models,
                    "transaction": hints.transaction,
                    "version_table": hints.version_table,
                },
            }
            child = self._child = start(hints.python or sys.executable, config, dict(hints.environment))
            hello = child.hello
            if hello["setup"]:
                self.close()
                raise ReplayError(f"the set-up script failed: {hello['setup']}", remedy="correct `setup` in the case file")
            there = {tuple(row) for row in hello["before"]["rows"]}
            self._hidden = frozenset(str(row[2]).lower() for row in hello["rows"] if tuple(row) not in there)
            self._rows(hello["before"])
            self._empty = self._ledger.state(self._rows(hello), "", None)
            self._held[self._empty] = 0
        return self._child
