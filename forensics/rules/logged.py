"""What the logs of one environment say, as rules need it: the entries that count, and how findings quote them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from forensics.chain.identity import normal
from forensics.clock import iso
from forensics.model import Event, Proof
from forensics.rules.facts import Facts, listing, plural

GRAVE = ("error", "critical")
_LOGGERS = ("alembic", "sqlalchemy.")
_SCHEMES = ("postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle")


def database(facts: Facts) -> str:
    """Return the name that a server knows the environment's database by, or an empty text."""
    url = facts.evidence.url or ""
    if url.partition(":")[0].partition("+")[0] not in _SCHEMES:
        return ""
    try:
        return urlsplit(url).path.strip("/")
    except ValueError:
        return ""


def entries(facts: Facts) -> tuple[Event, ...]:
    """Return the entries of the environment's logs, in time as far as it is known.

    The log of a server speaks of all of its databases. Where it names this one, entries about others do not count.
    """
    own = database(facts)
    found = [item for item in facts.evidence.events if item.source == "log"]
    if own and any(item.database == own for item in found):
        found = [item for item in found if item.database in ("", own)]
    place = {id(item): number for number, item in enumerate(found)}
    known = [item for item in found if item.at or item.after]
    rest = [item for item in found if not (item.at or item.after)]
    return (*sorted(known, key=lambda item: (item.at or item.after, place[id(item)])), *rest)


def failures(facts: Facts, statement: str, error: str) -> list[Event]:
    """Return the entries that tell the failure of a statement: by its normal form, or by the error's own words.

    Errors that only follow from an earlier one of their session are none.
    """
    wanted = normal(statement) if statement else ""
    found = []
    for event in entries(facts):
        if event.level not in GRAVE or event.echo:
            continue
        same = bool(wanted) and bool(event.statement) and normal(event.statement) == wanted
        if same or (bool(error) and error in event.message):
            found.append(event)
    return found


def failure_proofs(facts: Facts, statement: str, error: str) -> list[Proof]:
    """Return what the logs say of the failure of a statement: the first entry, and how often it came again."""
    found = failures(facts, statement, error)
    if not found:
        return []
    again = f"; told {plural(times(found), 'time')}, {span(found)}" if times(found) > 1 else ""
    return [Proof(source="log", detail=quoted(found[0]) + again, ref=found[0].ref)]


def quoted(event: Event, *, longest: int = 200) -> str:
    """Return an entry as evidence quotes it: when, who, and what."""
    text = error_line(event)
    when = f"{shown(event.at)}: " if event.at else ""
    sql = " ".join(event.statement.split())
    said = f" (`{sql[:120]}`)" if sql and sql not in text else ""
    return f"{when}{text[:longest]}{said}"


def error_line(event: Event) -> str:
    """Return the line of an entry that says what happened: the exception of a traceback, else the first line."""
    lines = [line for line in event.message.splitlines() if line.strip()]
    traced = next((place for place, line in enumerate(lines) if line.startswith("Traceback (most recent")), None)
    if traced is not None:
        raised = [line for line in lines[traced:] if re.match(r"[\w.]+(?:Error|Exception|Exit|Warning|Violation)\w*: ", line)]
        if raised:
            return raised[-1].strip()
    return lines[0].strip() if lines else ""


def file_of(event: Event) -> str:
    """Return the log in which an entry stands."""
    return event.ref.rpartition(":")[0] or event.ref


def session_of(event: Event) -> tuple[str, str, str]:
    """Return what tells one process of a log from the others."""
    return file_of(event), event.runner, event.session


def times(events: Sequence[Event]) -> int:
    """Return how often something happened that several logs tell: as often as the log that tells it most."""
    count: dict[str, int] = {}
    for event in events:
        count[file_of(event)] = count.get(file_of(event), 0) + event.count
    return max(count.values(), default=0)


def witness(events: Sequence[Event]) -> Sequence[Event]:
    """Return what the server itself says of something that several logs tell, where it tells all of it.

    A program's own entry is older: it was written when the work began that then failed.
    """
    own = [event for event in events if event.session and event.database]
    return own if own and times(own) == times(events) else events


def span(events: Sequence[Event]) -> str:
    """Return from when to when, as far as the entries tell."""
    known = sorted(at for event in events for at in (event.at, event.until) if at is not None)
    if not known:
        return "at times that the log does not tell"
    return f"from {shown(known[0])} to {shown(known[-1])}" if known[0] != known[-1] else f"at {shown(known[0])}"


def shown(at: datetime) -> str:
    """Return a time as texts tell it: to the millisecond where the log is no finer."""
    fine = at.microsecond and at.microsecond % 1000 == 0
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if fine else str(iso(at))


def who(events: Sequence[Event]) -> str:
    """Return who wrote or served entries: sessions, users or programs, services, and the logs."""
    sessions = list(dict.fromkeys(event.session for event in events if event.session))
    actors = list(dict.fromkeys(
        event.actor for event in events
        if event.actor not in ("", event.session, event.runner) and not event.actor.startswith(_LOGGERS)
    ))  # fmt: skip
    runners = list(dict.fromkeys(event.runner for event in events if event.runner))
    files = list(dict.fromkeys(file_of(event) for event in events))
    said = []
    if runners:
        said.append(listing(runners, 3))
    if actors:
        said.append(listing(actors, 3))
    if sessions:
        said.append(f"{'session' if len(sessions) == 1 else 'sessions'} {listing(sessions, 4)}")
    return ", ".join([*said, f"in {listing(files, 3)}"])
