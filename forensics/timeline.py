"""Everything dated -> one timeline: tracker rows, commits, the files' own dates, log lines, human events."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from forensics.clock import instant, iso
from forensics.history.assignment import RowMatch, assign
from forensics.history.mentions import Mentions
from forensics.model import ChainEvidence, Event, Evidence, FileVersion, History

_DESCRIBED = {
    "tracker": "Migration recorded", "git": "Commit", "file": "Date in the file", "log": "Log entry",
    "human": "Reported by a person",
}  # fmt: skip
_SHOWN = 6
_CREATED = re.compile(r"(?m)^\s*Create Date:\s*(.+?)\s*$")


def timeline(evidence: Evidence, chain: ChainEvidence, *, zone: str = "UTC") -> tuple[Event, ...]:
    """Return everything dated about one environment, by time, then source, then place.

    A time that no source gives stays unknown: such events come last and their message tells the bounds. Each event
    names the migration that it speaks of, as findings name it, where it speaks of exactly one. ``zone`` is assumed
    for dates that files state without one.
    """
    mentions = Mentions(chain.chain, chain.versions)
    found: list[Event] = []
    for place, history in enumerate(evidence.histories):
        matches = assign(chain.chain, history, chain.versions) if place == 0 else {}
        found += _rows(evidence, chain, history, matches)
    found += _commits(chain, evidence.environment, mentions)
    found += _dates(chain, evidence.environment, zone)
    for event in evidence.events:
        if not event.migration:
            label = mentions.find(event.message, event.at)
            event = dataclasses.replace(event, migration=label, environment=event.environment or evidence.environment)
        found.append(event)
    return tuple(sorted(found, key=_key))


def to_csv(events: Sequence[Event]) -> str:
    """Return the events as CSV with the columns that Timesketch reads first (message, datetime, timestamp_desc)."""
    text = io.StringIO()
    rows = [_record(event) for event in events]
    writer = csv.DictWriter(text, fieldnames=list(_record(_NOTHING)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_jsonl(events: Sequence[Event]) -> str:
    """Return the events as JSON lines with the same fields as `to_csv`."""
    return "".join(json.dumps(_record(event), ensure_ascii=False) + "\n" for event in events)


_NOTHING = Event(at=None, source="", message="", ref="")


def _record(event: Event) -> dict[str, str | float]:
    described = _DESCRIBED.get(event.source, event.source)
    return {
        "message": event.message,
        "datetime": iso(event.at) or "",
        "timestamp_desc": described if event.at else f"{described} (time unknown)",
        "source": event.source,
        "level": event.level,
        "actor": event.actor,
        "environment": event.environment,
        "migration": event.migration,
        "assumed_zone": event.assumed,
        "precision_seconds": event.precision,
        "ref": event.ref,
    }


def _key(event: Event) -> tuple[bool, str, str, list[tuple[int, str]]]:
    # Refs end in numbers (lines, rows), and line 9 comes before line 10.
    place = [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", event.ref)]
    return (event.at is None, event.at.isoformat() if event.at else "", event.source, place)


def _rows(
    evidence: Evidence, chain: ChainEvidence, history: History, matches: Mapping[str, RowMatch]
) -> Iterator[Event]:
    times = [row.recorded_at for row in history.rows]
    for place, row in enumerate(history.rows):
        match = matches.get(row.version)
        target = match.migration_id if match else None
        message = f"{history.table} records {row.version}"
        message += f": {row.description}" if row.description else ""
        message += "" if row.success else " (marked as failed)"
        if row.recorded_at is None:
            after, before = _bounds(evidence, chain, history, times, place, target)
            message += f" (no time kept{_between(after, before)})"
        at = row.recorded_at
        yield Event(
            at=at,
            source="tracker",
            message=message,
            ref=row.ref or f"{history.table}#{row.order}",
            level="info" if row.success else "error",
            assumed=history.assumed_zone if at else "",
            precision=1e-6 if at and at.microsecond else 1.0,
            environment=evidence.environment,
            migration=chain.chain.label(target) if target else row.version,
        )


def _bounds(
    evidence: Evidence,
    chain: ChainEvidence,
    history: History,
    times: Sequence[datetime | None],
    place: int,
    target: str | None,
) -> tuple[datetime | None, datetime | None]:
    """Return between which times a row without a time was written: the file was there, the database was read."""
    after = before = None
    if history.keeps != "head":
        after = next((time for time in reversed(times[:place]) if time), None)
        before = next((time for time in times[place + 1 :] if time), None)
    file = chain.chain.by_id[target].file if target else None
    born = min((item.at for item in chain.versions if item.path == file), default=None)
    return after or born, before or evidence.acquired_at


def _between(after: datetime | None, before: datetime | None) -> str:
    parts = [f"{word} {iso(time)}" for word, time in (("after", after), ("before", before)) if time]
    return "; " + " and ".join(parts) if parts else ""


def _commits(chain: ChainEvidence, environment: str, mentions: Mentions) -> Iterator[Event]:
    by_commit: dict[str, list[FileVersion]] = {}
    for item in chain.versions:
        by_commit.setdefault(item.commit, []).append(item)
    for commit, items in by_commit.items():
        first = items[0]
        changed = [_changed(item) for item in sorted(items, key=lambda item: item.path)]
        listed = "; ".join(changed[:_SHOWN]) + (f"; and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else "")
        labels = {label for item in items if (label := mentions.path(item.path))}
        yield Event(
            at=first.at,
            source="git",
            message=f"{first.subject} [{listed}]" + ("" if first.reachable else " (on no branch any more)"),
            ref=f"git:{commit[:12]}",
            actor=first.author,
            environment=environment,
            migration=labels.pop() if len(labels) == 1 and len(items) == 1 else "",
        )


def _changed(item: FileVersion) -> str:
    if item.action == "R":
        return f"{item.old_path} becomes {item.path}"
    return {"A": "adds", "M": "changes", "D": "deletes"}.get(item.action, item.action) + f" {item.path}"


def _dates(chain: ChainEvidence, environment: str, zone: str) -> Iterator[Event]:
    # A modification time says when the file was checked out; only a date that its author wrote into it is a fact.
    for item in chain.chain.migrations:
        stated = _CREATED.search(item.content.text[:4000]) if item.language == "python" else None
        moment = instant(stated[1], zone) if stated else None
        if moment is not None:
            yield Event(
                at=moment.at,
                source="file",
                message=f"{item.file} says that it was created",
                ref=item.file or item.id,
                assumed=moment.assumed,
                precision=moment.precision,
                environment=environment,
                migration=chain.chain.label(item.id),
            )
