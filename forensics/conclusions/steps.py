"""The steps of a plan: each with its risk, its backup, its verification, its way back, and how it went on a copy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from forensics.catalogs.postgresql_names import address
from forensics.conclusions.way_out import Measure
from forensics.explain.story import Outside, State
from forensics.model import Finding
from forensics.rules.advice import COPY
from forensics.rules.facts import Facts, listing
from forensics.sqltext import quote

NONE = "none needed"
BACKUP = "the backup of step 2"


class Phase(IntEnum):
    """The order of things: nothing is changed before what could undo it is stopped, and nothing recorded before it is true."""

    STOP = 0
    KEEP = 1
    LOOK = 2
    CHANGE = 3
    RECORD = 4
    LATER = 5
    DECIDE = 6
    LAST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan. ``findings`` are those that it is for, ``tried`` is how it went on a copy of the schema."""

    phase: Phase
    measure: Measure
    findings: tuple[str, ...]
    optional: bool = False
    tried: str = ""


def tried(facts: Facts, state: State, statements: Sequence[str]) -> tuple[State, str]:
    """Run statements on a copy of a schema; return what is there then, and in words how it went."""
    if facts.explanation is None:
        return state, ""
    # All in one go, as between them nothing may be rebuilt under other names.
    after, line = facts.explanation.search.player.after(state, Outside(tuple(statements), "unknown", ""))
    if not line.error:
        return after, f"Tried {COPY}: it goes through."
    where = f" at `{' '.join(line.failed.split())[:100]}`" if line.failed else ""
    return state, f"Tried {COPY}: it fails{where} with {line.error}."


def stop(facts: Facts, findings: Iterable[Finding]) -> Step:
    """Return the first step: nothing may run meanwhile that would undo, or redo, what follows."""
    named = [item for item in findings if item.cause == "stale-runner"]
    look = "SELECT pid, usename, application_name, client_addr, backend_start FROM pg_stat_activity WHERE datname = current_database()"
    postgresql = facts.evidence.dialect == "postgresql"
    first = "Stop what can migrate this database or make tables in it: the migration job, and the application if it does so."
    if named:
        runs = re.sub(r":.*", "", named[0].summary, flags=re.DOTALL).removeprefix("Something still runs ")
        first = f"Find and stop what still runs {runs}: a container, a job or a host with that folder (who it was stands in the evidence)."
    return Step(
        phase=Phase.STOP,
        findings=tuple(item.id for item in named),
        measure=Measure(
            do=first,
            sql=(look,) if postgresql else (),
            risk="None for the data. What is stopped serves nobody meanwhile; left running, it can undo what follows.",
            backup=NONE,
            verify=f"{'nobody else is connected' if postgresql else 'nothing has the file open'}, and the log stays silent",
            back="start it again, once it carries the active folder",
        ),
    )


def keep(facts: Facts) -> Step:
    """Return the second step: a backup that can be restored."""
    rows = listing([f"`{row.version}`" for row in facts.history.rows], 6)
    note = f", and note the rows of {facts.history.table}: {rows}" if rows else ""
    command, verify = 'pg_dump --format=custom --file=before.dump "$DATABASE_URL"', "restore it into an empty database once: `pg_restore`"
    if facts.evidence.dialect == "sqlite":
        file = (facts.evidence.url or "").removeprefix("sqlite:///") or "app.db"
        command = f"sqlite3 {shlex.quote(file)} {shlex.quote('.backup ' + quote(file + '.before'))}"
        verify = "open the copy: `PRAGMA integrity_check` says ok"
    elif facts.evidence.dialect != "postgresql":
        command, verify = "", "restore it into an empty database once"
    return Step(
        phase=Phase.KEEP,
        findings=(),
        measure=Measure(
            do=f"Make a backup that can be restored{note}.", command=command, risk="It only reads.", backup="this is the backup",
            verify=verify, back=NONE,
        ),
    )  # fmt: skip


def look(ids: tuple[str, ...], statements: Sequence[str], do: str) -> Step:
    """Return a step that only reads."""
    return Step(
        phase=Phase.LOOK,
        findings=ids,
        measure=Measure(
            do=do, sql=tuple(dict.fromkeys(statements)), risk="It only reads.", backup=NONE,
            verify="what comes out is understood, and kept with the incident", back=NONE,
        ),
    )  # fmt: skip


def spelled(facts: Facts, name: str) -> str:
    """Return the name of a table as a statement of this database spells it."""
    return address(name) if facts.evidence.dialect == "postgresql" else quote(name)


def literal(value: str) -> str:
    """Return a text as SQL spells it."""
    return "'" + value.replace("'", "''") + "'"
