"""The laboratory: run any step from any state of a scratch database and see what comes of it.

States and steps are addressed by content, so that nothing is run twice. Migration code runs only in a child process
(`forensics.replay.inside`) that is started on the first step whose outcome is not known yet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from forensics.case.spec import ScratchSpec
from forensics.errors import ReplayError
from forensics.model import Chain, Group, Migration, Snapshot
from forensics.redact import redact_text, redact_url
from forensics.replay.advice import LENT, NO_PROMISE, OTHER_VERSION, UNTRUSTED, advice, failed_hint, server_advice
from forensics.replay.bench import Bench, configuration
from forensics.replay.child import ChildLost
from forensics.replay.foresight import Foresight
from forensics.replay.inside import pg_script, script
from forensics.replay.ledger import Ledger, Row, Wire, identity
from forensics.replay.scope import operations_only
from forensics.replay.steps import Attempt, Harvest, Outcome, RunMigration, RunStatements, Statement, Step
from forensics.replay.store import Store, signature

__all__ = ["Attempt", "Harvest", "Lab", "Outcome", "RunMigration", "RunStatements", "Statement", "Step"]

_GROWTHS = 64  # of so many schemas it is kept what others can grow from


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
        version: int | None = None,
        scratch: ScratchSpec | None = None,
    ) -> None:
        if dialect not in ("sqlite", "postgresql"):
            raise ReplayError(
                f"there is no scratch database for {dialect}", remedy="replay works for SQLite and PostgreSQL"
            )
        self.chain = chain
        self.dialect = dialect
        self.trust = trust or chain.hints.trust
        tracker = tuple(tracker)
        self._ledger = Ledger()
        self._memo: dict[Any, Outcome] = {}
        self._schemas: dict[str, Snapshot] = {}
        self._growths: dict[str, Any] = {}
        self._foresight = Foresight(chain, self._wire)
        self._seeds: dict[tuple[str, ...], str] = {}
        self._problems: dict[str, str] | None = None
        self._hello: dict[str, Any] = {}
        self._empty = ""
        self._store: Store | None = None
        self._fresh = False
        config = configuration(chain, tracker, isolation, dialect)
        config["trusted"] = self.trust
        hints = chain.hints
        kind, server = Bench, ""
        self._wanted = version
        if dialect == "postgresql":
            from forensics.replay.bench_postgresql import PostgresBench, lender

            config["postgres"] = lender(version, scratch or ScratchSpec())
            kind, server = PostgresBench, config["postgres"].identity
        self._bench = kind(self._ledger, config, hints.python, dict(hints.environment), time_limit, self._started)
        self._limit = time_limit
        if cache is not None:
            self._store = Store(cache, signature(chain, tracker, isolation, dialect, server))
            self._store.load(self._ledger)
            self._hello, self._empty = self._store.hello, self._store.empty

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child process and keep what was learnt. The lab can still be asked: it starts another child."""
        self._bench.close()
        if self._store is not None and self._fresh:
            self._store.save(self._ledger)
            self._fresh = False

    def open(self) -> None:
        """Start the child unless all that it says of itself is known. Raises `ReplayError` where that cannot be done."""
        self._told("isolation")

    @property
    def empty(self) -> str:
        """The key of the state before the first migration."""
        if not self._empty:
            self._bench.child()
        return self._empty

    @property
    def isolation(self) -> str:
        """How the child is kept away from everything else: ``namespaces`` or ``guard``."""
        return str(self._told("isolation"))

    @property
    def caveat(self) -> str:
        """What the isolation and the server cannot promise; empty where they promise all."""
        said = [NO_PROMISE] if self.isolation == "guard" else []
        if self.lent:
            said.append(LENT)
        if self._wanted is not None and not self.server_version.startswith(f"{self._wanted}."):
            said.append(OTHER_VERSION.format(live=self._wanted, here=self.server_version))
        return "; ".join(said)

    @property
    def troubles(self) -> tuple[tuple[str, str], ...]:
        """The hints that failed when the child was made, so that the replay went without them: names, and why."""
        told: dict[str, Any] = json.loads(self._told("troubles"))
        hints = {"setup": os.path.basename(self.chain.hints.setup), "naming_convention": str(self.chain.hints.naming_convention)}
        return tuple((name, self._clean(failed_hint(reply, hints[name]))) for name, reply in told.items())

    @property
    def lent(self) -> bool:
        """Whether the scratch databases are on a server that the case file names, and not on one of our own."""
        return self.dialect == "postgresql" and bool(self._told("lent"))

    @property
    def server_version(self) -> str:
        """The version of the SQLite or the PostgreSQL that replays."""
        return str(self._told("server" if self.dialect == "postgresql" else "sqlite"))

    def _told(self, name: str) -> Any:
        if not self._hello:
            self._bench.child()
        return self._hello[name]

    def _started(self, hello: dict[str, Any], empty: str) -> None:
        """Take note of a new child. What was stored by another system than the one that runs now is not used."""
        facts = {name: item for name, item in hello.items() if isinstance(item, str)}
        if self._store is not None:
            if self._store.hello and (self._store.hello, self._store.empty) != (facts, empty):
                self._store.forget()
            self._store.hello, self._store.empty = facts, empty
        self._hello, self._empty = facts, empty

    def run(self, state: str, step: Step) -> Outcome:
        """Run a step from a state. What was run before is only looked up."""
        key: Any
        if isinstance(step, RunMigration):
            key = (state, step.migration.content.text, step.upto, step.migration.file, step.migration.entry)
        else:
            key = (state, step.statements)
        found = self._memo.get(key)
        following = self._foresight.follow(state, step)
        if found is None:
            file = step.migration.file if isinstance(step, RunMigration) else None
            found = self._memo[key] = self._run(state, self._wire(step), file or "", following)
        self._foresight.came(found)
        return found

    def master(self, state: str) -> tuple[Row, ...]:
        """Return the rows of ``sqlite_master`` in their order, without SQLite's and the migration tool's own.

        On PostgreSQL: a row for each group (its name and the digest of what it is), schema and extension.
        """
        rows = self._ledger.rows
        return tuple(rows[number] for number in self._ledger.states[state].rows)

    def schema(self, state: str) -> Snapshot:
        """Return the schema of a state."""
        found = self._schemas.get(state)
        if found is None:
            found = self._schemas[state] = Snapshot(
                dialect=self.dialect, server_version=self.server_version, groups=self._groups(state)
            )
        return found

    def _groups(self, state: str) -> tuple[Group, ...]:
        if self.dialect == "postgresql":
            return tuple(
                self._ledger.groups[number]
                for number in self._ledger.states[state].rows
                if number in self._ledger.groups
            )
        from forensics.catalogs.sqlite import grow, growth

        rows = self._ledger.rows
        before, added, turned = self._ledger.grown.get(state, ("", (), ()))
        origin = self._growths.get(before)
        found = grow(origin, [rows[one] for one in added], [rows[one] for one in turned]) if origin else None
        if found is None:
            found = growth(self.master(state))
        self._growths[state] = found
        if len(self._growths) > _GROWTHS:
            del self._growths[next(iter(self._growths))]
        return tuple(found.groups.values())

    def statements(self, migration: Migration) -> tuple[str, ...]:
        """Return the statements of an SQL migration that could change something, in order; nothing for Python."""
        if migration.language != "sql":
            return ()
        language = pg_script if self.dialect == "postgresql" else script
        return tuple(piece for piece in language.split_script(migration.content.text) if not language.is_read(piece))

    def seed(self, rows: Iterable[Row | str]) -> str:
        """Return the state that stored statements make from nothing, for asking what a run would do there.

        ``rows`` are rows of ``sqlite_master`` or statements (`Group.source`), in their order. Raises `ReplayError` naming a
        statement that the database does not take.
        """
        wanted = tuple(sql for row in rows if (sql := row if isinstance(row, str) else row[3]))
        found = self._seeds.get(wanted)
        if found is None:
            outcome = self._run(self.empty, {"kind": "seed", "sql": [*self._clearing(), *wanted]}, "")
            if outcome.error is not None:
                raise ReplayError(f"a stored schema could not be rebuilt: {outcome.error}")
            found = self._seeds[wanted] = outcome.state
        return found

    def _clearing(self) -> tuple[str, ...]:
        """Return the statements that take away what is there before the first migration: a seed begins with nothing."""
        groups = self.schema(self.empty).groups
        if not groups:
            return ()
        from forensics.replay.clearing import clearing

        return clearing(self.dialect, groups)

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

    def harvest(self) -> Harvest:
        """Run the project's ``env.py`` dry, only where the system offers an isolation without a network.

        Whatever engine it makes leads to the scratch database, and no migration runs.
        """
        file = os.path.basename(self.chain.hints.env_file)
        if not file:
            return Harvest(error="there is no env.py")
        if self.isolation != "namespaces":
            return Harvest(error="env.py is only run where the system offers an isolation without a network")
        try:
            reply, refused = self._bench.ask({"op": "harvest"})
        except ChildLost as lost:
            return Harvest(error=f"env.py: {lost.detail}", attempts=self._attempts(lost.attempts, file))
        finally:
            self._bench.close()  # what env.py has imported and changed is not there for the migrations
        attempts = self._attempts(refused, file)
        if "error" in reply:
            hint = advice(reply["type"], str(reply["error"]), reply["missing_name"])
            line = f"{file}:{reply['line']}: " if reply.get("line") else f"{file}: "
            return Harvest(error=self._clean(f"{line}{reply['error']}" + (f" ({hint})" if hint else "")), attempts=attempts)
        return Harvest(arguments=tuple(sorted(reply["arguments"].items())), attempts=attempts)

    def _load(self, migration: Migration) -> str:
        """Return why a Python migration cannot be loaded, or an empty text."""
        step = identity(self._wire(RunMigration(migration=migration)))
        known = None if self._store is None else self._store.loads.get(step)
        if known is not None:
            return known
        if not self._may_run(migration.content.text):
            return UNTRUSTED
        request = {
            "op": "load", "text": migration.content.text, "path": self._path(migration.file), "entry": migration.entry,
        }  # fmt: skip
        try:
            reply, _ = self._bench.ask(request)
        except ChildLost as lost:
            return f"loading it ended the process: {lost.detail}"
        self._note(reply)
        problem = ""
        if "error" in reply:
            hint = advice(reply["type"], reply["error"], reply["missing_name"])
            problem = self._clean(f"{reply['error']}; {hint}" if hint else str(reply["error"]))
        if self._store is not None:
            self._store.loads[step] = problem
            self._fresh = True
        return problem

    def _may_run(self, text: str) -> bool:
        return self.trust or self.isolation == "namespaces" or operations_only(text)

    def _path(self, file: str | None) -> str:
        return os.path.join(self.chain.root, file) if file else ""

    def _wire(self, step: Step) -> Wire:
        file = step.migration.file if isinstance(step, RunMigration) else None
        return self._ledger.wire(step, self.chain.tool, self._path(file))

    def _run(self, state: str, wire: Wire, file: str, following: Iterable[Wire] = ()) -> Outcome:
        name = self._ledger.name(wire)
        outcome = self._ledger.outcomes.get((state, name))
        if outcome is None and self._store is not None:
            outcome = self._store.find(state, name)
        if outcome is None:
            outcome = self._perform(state, wire, file, following)
            self._fresh = True
        self._ledger.outcomes[state, name] = outcome
        return outcome

    def _perform(self, state: str, wire: Wire, file: str, following: Iterable[Wire]) -> Outcome:
        if state not in self._ledger.states:
            raise ReplayError(f"there is no state {state!r} here", remedy="take one from `empty`, `run` or `seed`")
        text = self._ledger.texts.get(wire.get("sha", ""), "")
        if wire["kind"] in ("python", "alembic", "models") and not self._may_run(text):
            return Outcome(before=state, state=state, error=UNTRUSTED, failure="untrusted", hint="--trust-migrations")
        try:
            reply, refused, after = self._bench.run(state, wire, following)
        except ChildLost as lost:
            detail = f"{lost.detail} (the limit for one step)" if lost.reason == "timeout" else lost.detail
            tried = self._attempts(lost.attempts, file)
            return Outcome(before=state, state=state, error=detail, failure=lost.reason, attempts=tried)
        self._note(reply)
        error: str | None = None
        line, failure, hint = reply.get("line"), "", ""
        if "error" in reply:
            error = self._clean(str(reply["error"]))
            failure = "sql" if reply["failed"] is not None else "load" if reply["loading"] else "python"
            sql = failure == "sql"
            hint = server_advice(error) if sql else advice(reply["type"], error, reply["missing_name"])
        return Outcome(
            before=state,
            state=after,
            statements=tuple(
                Statement(sql=sql, parameters=given, ddl=ddl, omitted=omitted)
                for sql, given, ddl, omitted in reply["statements"]
            ),
            total=reply["total"],
            failed=reply.get("failed"),
            error=error,
            attempts=self._attempts(refused, file),
            place="" if error is None else f"{file}:{line}" if line and file else self._beside(file, reply),
            failure=failure,
            hint=hint,
            stopped=reply["stopped"],
        )

    def _beside(self, file: str, reply: dict[str, Any]) -> str:
        """Return where an error comes from that is no migration's own."""
        origin = None if file else reply.get("origin")
        return self._clean(f"{origin[0]}:{origin[1]}") if origin else ""

    def _note(self, reply: dict[str, Any]) -> None:
        if self._store is not None and reply.get("read"):
            self._store.read(reply["read"])

    def _attempts(self, data: list[list[Any]], file: str) -> tuple[Attempt, ...]:
        """Return refused attempts as records, each once, without secrets and without the paths of this machine."""
        found = [
            Attempt(
                kind=kind,
                target=redact_text(redact_url(self._clean(target))),
                message=message,
                place=f"{file}:{line}" if line else file,
            )
            for kind, target, message, line in data
        ]
        return tuple(dict.fromkeys(found))

    def _clean(self, text: str) -> str:
        """Return a text without the folders of this run: relative to the migrations, scratch paths by their name."""
        folder = self._bench.folder
        if folder:
            text = text.replace(os.path.join(folder, "scratch"), "{scratch}").replace(folder, "{scratch}")
        root = self.chain.root.rstrip(os.sep)
        above = os.path.dirname(root)
        if root:
            text = text.replace(root + os.sep, "")
        return text.replace(above + os.sep, "../") if len(above) > 1 else text
