"""The way out for a tracker that stands on another chain: which statements and which stamp suffice, step by step.

Nothing here touches a database. The statements are derived from what the active chain builds and what is there, and
rehearsed on a private copy of the live schema, which has no rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.conclusions.foreign import gap, leftovers, reordered, strange
from forensics.explain.closing import closing
from forensics.explain.engine import Explanation
from forensics.explain.story import State
from forensics.explain.trial import after_statements
from forensics.model import Group, SchemaObject
from forensics.sqltext import quote

if TYPE_CHECKING:
    from forensics.rules.facts import Facts

# How a rebuild, as SQLite needs it for what it cannot alter, ends in a story; a story has no rows to carry over.
_REBUILT = re.compile(r'DROP TABLE "(.+)__before"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The statements between the live schema and what the active chain builds.

    ``closing`` lose nothing, ``back`` takes them back, ``losing`` drop what rows may hold. ``borrowed`` are columns whose
    value for the rows that are there comes from the other chain, by name; ``open`` those for which somebody has to give one.
    ``error`` is what stopped the rehearsal; empty where the statements lead to what the active chain builds.
    """

    closing: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    losing: tuple[str, ...] = ()
    borrowed: Mapping[str, str]
    open: tuple[str, ...] = ()
    error: str = ""

    @property
    def statements(self) -> tuple[str, ...]:
        """All of them, in their order."""
        return (*self.closing, *self.losing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One step: what to do, its risk, its backup, how to see that it went well, and the way back.

    ``final`` marks the point of no return.
    """

    do: str
    risk: str
    backup: str
    verify: str
    back: str
    command: str = ""
    sql: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """All steps, with what they leave as it is and why that is right."""

    recorded: tuple[str, ...]
    heads: tuple[str, ...]
    bridge: Bridge
    measures: tuple[Measure, ...]
    left: tuple[tuple[str, str], ...] = ()


def bridge(facts: Facts) -> Bridge | None:
    """Return the statements that make the live schema what the active chain builds; None where that chain does not build."""
    explanation = facts.explanation
    if explanation is None or explanation.reference.failures or facts.not_run:
        return None
    live, built = explanation.subject.live, explanation.reference.natural
    names = sorted({_group(now or was) for was, now in gap(explanation)} & built.keys())
    target: State = {name: built[name] for name in names}
    between, borrowed, left = _between(facts, live, target)
    ways = [turned(explanation, live, between, names), turned(explanation, between, target, names)]
    losing = tuple(text for way in ways for text in way if _loses(text))
    kept = tuple(text for way in ways for text in way if not _loses(text))
    after, error = after_statements(explanation.search.player, live, kept)
    back = turned(explanation, after, live, names) if not error else ()
    final, error = after_statements(explanation.search.player, after, losing) if not error else (after, error)
    wrong = [name for name in names if name not in final or final[name].meaning != built[name].meaning]
    if wrong and not error:
        error = f"{', '.join(wrong)} would still differ"
    return Bridge(closing=kept, back=back, losing=losing, borrowed=borrowed, open=left, error=error)


def turned(explanation: Explanation, one: State, other: State, names: Sequence[str]) -> tuple[str, ...]:
    """Return the statements that turn groups of one state into those of another; a table that is rebuilt keeps its rows."""
    aim = replace(explanation.subject, live=other)
    texts = [text for step in closing(one, aim, [name for name in names if name in other]) for text in step.ddl]
    return tuple(text for each in texts for text in _with_rows(each, one, other))


def _with_rows(text: str, one: State, other: State) -> Iterator[str]:
    found = _REBUILT.fullmatch(text)
    if found is not None:
        name = found[1].replace('""', '"')
        was, now = one.get(name.casefold()), other.get(name.casefold())
        if was is not None and now is not None:
            common = [
                quote(item.name) for item in now.objects
                if item.kind == "column" and item.key in was.by_key and not dict(item.meaning).get("generated")
            ]  # fmt: skip
            columns = ", ".join(common)
            yield f"INSERT INTO {quote(name)} ({columns}) SELECT {columns} FROM {quote(name + '__before')}"
    yield text


def _between(facts: Facts, live: State, target: State) -> tuple[State, dict[str, str], tuple[str, ...]]:
    """Return what to pass through where a new column must not be null: with the other chain's default, or null at first."""
    found: State = {}
    borrowed: dict[str, str] = {}
    left: list[str] = []
    for name, group in target.items():
        objects = []
        for item in group.objects:
            values = dict(item.meaning)
            new = item.kind == "column" and name in live and item.key not in live[name].by_key
            given = any(values.get(key) is not None for key in ("default", "identity", "generated"))
            if not (new and values.get("notnull") and not given and facts.evidence.dialect == "postgresql"):
                objects.append(item)
                continue
            other, maker = _theirs(facts, item)
            if other is not None:
                objects.append(replace(item, meaning=other.meaning, trace=other.trace))
                borrowed[f"{group.name}.{item.name}"] = maker
            else:
                objects.append(replace(item, meaning=tuple((key, False if key == "notnull" else value) for key, value in item.meaning)))
                left.append(f"{group.name}.{item.name}")
        found[name] = Group(name=group.name, objects=tuple(objects), source=group.source)
    return found, borrowed, tuple(left)


def _theirs(facts: Facts, item: SchemaObject) -> tuple[SchemaObject | None, str]:
    """Return the same column as another chain makes it, with a default, and the migration that does."""
    for foreign in facts.foreign:
        for verdict in foreign.verdicts:
            built = verdict.explanation.reference
            for group in built.final.values():
                other = group.by_key.get(item.key)
                values = dict(other.meaning) if other else {}
                if other is not None and values.get("default") is not None and values.get("type") == dict(item.meaning).get("type"):
                    writings = built.provenance.get(item.key, ())
                    return other, verdict.facts.label(writings[-1].migration) if writings else verdict.place.chain.path
    return None, ""


def _loses(statement: str) -> bool:
    if _REBUILT.fullmatch(statement):
        return False
    words = statement.upper().split()
    return "DROP COLUMN" in " ".join(words) or words[:2] in (["DROP", "TABLE"], ["DROP", "MATERIALIZED"])


def _group(item: SchemaObject | None) -> str:
    return (item.table or item.name).casefold() if item else ""


def way_out(facts: Facts) -> WayOut | None:
    """Return how to get out of a tracker that stands on another chain; None where it does not, or where no way is known."""
    stray = tuple(item.row.version for item in facts.foreign if item.kind == "foreign-chain")
    found = bridge(facts) if stray else None
    if found is None or facts.explanation is None or facts.chain is None or not facts.chain.heads:
        return None
    heads = tuple(facts.chain.label(name) for name in facts.chain.heads)
    return WayOut(
        recorded=stray,
        heads=heads,
        bridge=found,
        measures=tuple(_measures(facts, found, stray, heads)),
        left=tuple(_left(facts.explanation)),
    )


def _measures(facts: Facts, found: Bridge, stray: Sequence[str], heads: Sequence[str]) -> Iterator[Measure]:
    name, postgresql = facts.evidence.environment, facts.evidence.dialect == "postgresql"
    kept = "the backup of step 2"
    sessions = "SELECT pid, usename, application_name, backend_start FROM pg_stat_activity WHERE datname = current_database()"
    yield Measure(
        do="Stop whatever can migrate this database, or make tables in it: containers that carry an old folder, the migration "
        "job, the application if it creates tables when it starts.",
        risk="No change to the database. Left running, it can undo what follows.",
        backup="none needed",
        verify=f"nobody else is connected (`{sessions}`), and the log stays silent" if postgresql else "the log stays silent",
        back="start it again, once it carries the active folder",
    )
    yield Measure(
        do="Make a backup that can be restored, and note the tracker's rows: " + ", ".join(f"`{version}`" for version in stray) + ".",
        command='pg_dump --format=custom --file=before.dump "$DATABASE_URL"' if postgresql else "",
        risk="Reads only." if postgresql else "Reads only; stop the writers first, and copy the file with its -wal.",
        backup="this is the backup",
        verify="restore it into an empty database once (`pg_restore --dbname=... before.dump`)" if postgresql else "open the copy",
        back="none needed",
    )
    if found.closing:
        yield _closing(name, found, kept, postgresql)
    yield _stamp(facts, stray, heads, kept)
    if found.losing:
        yield Measure(
            do="Only if the active code cannot live with what is left over, and only after a look at what it holds.",
            sql=transaction(found.losing, postgresql),
            risk="What these hold is lost at once. Nothing needs this in order to run: it can wait for weeks.",
            backup="a copy of what is dropped, beside " + kept,
            verify=f"`forensics diagnose {name}` shows no difference any more",
            back="only from the backup",
            final=True,
        )


def _closing(name: str, found: Bridge, kept: str, postgresql: bool) -> Measure:
    risk = "Each takes an exclusive lock on its table for a moment; writes wait while an index is built."
    if found.borrowed:
        risk += " Rows that are there get the default of " + ", ".join(
            f"{column} that {maker} of the other chain gives them" for column, maker in found.borrowed.items()
        ) + "."
    if found.open:
        risk += f" {', '.join(found.open)} must not be null: give the rows that are there a value before the statement that says so."
    return Measure(
        do="Close the difference between what is there and what the active chain builds, in one transaction.",
        sql=transaction(found.closing, postgresql),
        risk=risk,
        backup=kept,
        verify=f"`forensics diagnose {name}` no longer lists these objects under the finding",
        back="the same in reverse; what was written into new columns since is lost with them",
        undo=transaction(found.back, postgresql),
    )


def _stamp(facts: Facts, stray: Sequence[str], heads: Sequence[str], kept: str) -> Measure:
    table, alembic = facts.history.table or "alembic_version", facts.history.tool == "alembic"
    one = len(stray) == len(heads) == len(facts.history.rows) == 1
    return Measure(
        do=f"Stamp: let the tracker say {', '.join(heads)} in place of {', '.join(facts.history.versions)}. No table of the "
        "application is touched.",
        command=f"alembic stamp --purge {' '.join(heads)}" if alembic else "",
        sql=(_update(table, heads[0], stray[0]),) if one else (),
        risk="One row of the tracker. Stamped too early, the tracker claims what the schema does not have yet."
        if one
        else "Only rows of the tracker. Stamped too early, the tracker claims what the schema does not have yet.",
        backup="the rows noted in step 2",
        verify=f"`alembic current` says {' '.join(heads)} (head), and `alembic upgrade head` runs nothing" if alembic
        else "the migration tool has nothing to run",
        back="put the old row back" if one else "put the old rows back",
        undo=(_update(table, stray[0], heads[0]),) if one else (),
    )


def _update(table: str, new: str, old: str) -> str:
    target = ".".join(part if part.isidentifier() and part == part.casefold() else quote(part) for part in table.split("."))
    return f"UPDATE {target} SET version_num = {_text(new)} WHERE version_num = {_text(old)}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def transaction(statements: Sequence[str], postgresql: bool) -> tuple[str, ...]:
    """Return statements as one transaction, which waits for no lock for long; settings of SQLite stand around it."""
    if not statements:
        return ()
    texts = [text.strip().rstrip(";") for text in statements]
    if postgresql:
        return ("BEGIN", "SET LOCAL lock_timeout = '5s'", *texts, "COMMIT")
    # SQLite changes these settings only outside a transaction.
    settings = [place for place, text in enumerate(texts) if text[:6].upper() == "PRAGMA"]
    first = next((place for place in range(len(texts)) if place not in settings), len(texts))
    last = next((place for place in range(len(texts), 0, -1) if place - 1 not in settings), first)
    return (*texts[:first], "BEGIN", *texts[first:last], "COMMIT", *texts[last:])


def _left(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """Yield what stays as it is, with the reason."""
    for table in (*leftovers(explanation), *strange(explanation)):
        yield f"table {table}", "the active chain does not build it, and nothing that runs stumbles over it: its owner decides"
    for table in reordered(explanation):
        why = "no statement that names its columns depends on it, and only a rebuild could change it"
        yield f"the order of the columns of {table}", why
