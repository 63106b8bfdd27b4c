"""Say which migrations would fail, and at which statement, before anybody runs them."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.judge import Judged
from forensics.explain.masks import permissive_creates
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.sight import words
from forensics.explain.story import Run, State, Told
from forensics.explain.subject import Subject, copies
from forensics.model import Migration
from forensics.sqltext import mentions, name_key, statement_target

BOILERPLATE = words("a already another by error exists in index is name no not of or table there this trigger view with")


@dataclass(frozen=True, slots=True)
class Failure:
    """One migration that will fail: ``when`` is ``next-run`` (pending) or ``if-rerun`` (recorded, but not wholly run)."""

    migration: Migration
    when: str
    statement: str
    error: str
    cause: str
    masked: str = ""
    number: int = 0


def foresee(
    subject: Subject,
    player: Player,
    reference: Reference,
    judged: dict[str, Judged],
    pending: tuple[str, ...],
    again: bool = True,
) -> tuple[Failure, ...]:
    """Run what is pending on a copy of the live schema, and each recorded migration again on a copy of its own.

    Where the tracker keeps only the head nobody runs again what ran. ``again`` false leaves recorded migrations out.
    A pending migration that fails keeps what its transaction mode keeps, and the run goes on, so that every failure is known
    at once.
    """
    found = _next_run(subject, player, reference, judged, pending)
    for item in subject.migrations:
        if not again or (subject.head_only and judged[item.id].executed not in ("no", "partial")):
            continue
        if item.id in subject.recorded and item.id not in pending and item.file is not None:
            found += _attempt(subject, player, reference, judged, item.id, "if-rerun", dict(subject.live))[1]
    return tuple(found)


def _next_run(
    subject: Subject, player: Player, reference: Reference, judged: dict[str, Judged], pending: tuple[str, ...]
) -> list[Failure]:
    """Run all that is pending, in order, on one copy; what fails keeps what it left, as it does in life."""
    state: State = dict(subject.live)
    found: list[Failure] = []
    taken: set[str] = set()
    for name in pending:
        state, failures = _attempt(subject, player, reference, judged, name, "next-run", state)
        migration = player.contents[name]
        if not failures and subject.unique_versions and migration.version in taken:
            error = f"UNIQUE constraint failed: {subject.unique_versions}"
            failures = [Failure(migration, "next-run", "", error, "duplicate-version")]
        if not failures:
            taken.add(migration.version)
        found += failures
    return found


def _attempt(
    subject: Subject,
    player: Player,
    reference: Reference,
    judged: dict[str, Judged],
    name: str,
    when: str,
    state: State,
) -> tuple[State, list[Failure]]:
    migration = player.contents[name]
    if not migration.loadable:
        return state, [Failure(migration, when, "", migration.problem, "unloadable-migration")]
    after, line = player.after(state, Run(name))
    if not line.error:
        return after, []
    return after, [_failure(subject, player, reference, judged, migration, when, state, after, line)]


def _failure(
    subject: Subject,
    player: Player,
    reference: Reference,
    judged: dict[str, Judged],
    migration: Migration,
    when: str,
    before: State,
    after: State,
    line: Told,
) -> Failure:
    masked = masked_table(migration, before, after, line)
    fails_alone = reference.never.get(migration.id)
    if migration.id in copies(subject):
        cause = "duplicate-version"
    elif when == "if-rerun" and judged[migration.id].executed == "yes":
        cause = ""  # it ran: that it cannot run twice is no fault
    elif judged[migration.id].executed == "yes" and migration.id not in subject.recorded:
        cause = "executed-not-recorded"
    elif masked:
        cause = "masked-create"
    elif fails_alone is not None and fails_alone.error == line.error:
        cause = "chain-cannot-build"
    elif judged[migration.id].executed == "partial" and line.done < judged[migration.id].done:
        cause = "partially-executed"
    else:
        cause = _cause(subject, player, reference, judged, before, line)
    return Failure(migration, when, line.failed, line.error, cause, masked, line.done + 1)


def masked_table(migration: Migration, before: State, after: State, line: Told) -> str:
    """Return the table whose ``CREATE TABLE IF NOT EXISTS`` did nothing and is what the failing statement stumbles over."""
    failing = mentions(line.failed)
    for group in before.values():
        name = group.name.casefold()
        if name_key(group.name) not in failing and name not in failing:
            continue
        if after.get(name) is group and _creates(migration, name):
            return group.name
    return ""


def _creates(migration: Migration, name: str) -> bool:
    """Whether the text of a migration creates a table unless it exists."""
    return any(target.name.casefold() == name for target in permissive_creates(migration))


def _cause(
    subject: Subject, player: Player, reference: Reference, judged: dict[str, Judged], before: State, line: Told
) -> str:
    """Return why a statement fails: who made what is in its way, or who should have made what it misses."""
    error = line.error.casefold()
    said = words(line.error.partition(": ")[2]) or words(line.error) - BOILERPLATE
    target = statement_target(line.failed)
    named = mentions(line.failed) | {target.name.casefold(), target.table.casefold()}
    writers = {
        name: trace.key[1] if trace.key[0] == "column" else trace.key[2]
        for name, traces in reference.signatures.items()
        for trace in traces
        if trace.after is not None and trace.key[2] in said and (trace.key[0] != "column" or trace.key[1] in named)
    }
    if "already exists" in error or "duplicate column" in error:
        ran = [name for name in writers if judged[name].executed in ("yes", "partial")]
        if any(name not in subject.recorded for name in ran):
            return "executed-not-recorded"
        return "chain-cannot-build" if any(judged[name].executed == "yes" for name in ran) else "manual-change"
    absent = [name for name in writers if judged[name].executed in ("no", "partial") and name in subject.recorded]
    masked = [name for name in writers if writers[name] in before and _creates(player.contents[name], writers[name])]
    if any(name not in masked for name in absent):
        return "recorded-not-executed"
    if masked:
        return "masked-create"
    if absent:
        return "recorded-not-executed"
    return "manual-change" if writers else "chain-cannot-build"
