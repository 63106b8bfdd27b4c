"""What migration tools say in logs of their runs: announcements of what they are about to do, not of what was done.

"Running upgrade A -> B" is written before the first statement of B; whether it was committed is another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.model import Event

_RUNNING = re.compile(r"Running (?P<verb>upgrade|downgrade|stamp_revision)\s+(?P<from>[^>\n]*?)\s*-> *(?P<to>[^\n]*)")
_LOST = re.compile(r"Can't locate revision identified by '(?P<version>[^'\n]+)'")
_STAMPED = re.compile(
    r"\s*(?:INSERT\s+INTO\s+\S*version\S*\s*\(\s*version_num\s*\)\s*VALUES\s*\(\s*|"
    r"UPDATE\s+\S*version\S*\s+SET\s+version_num\s*=\s*)'(?P<version>[^']+)'",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One step that was announced. ``verb``: ``upgrade``, ``downgrade`` or ``stamp_revision``.

    ``before`` and ``after`` are revisions, none for the base. ``failed`` says that the same entry tells its failure.
    """

    event: Event
    verb: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    failed: bool


def announced(events: Iterable[Event]) -> tuple[Announced, ...]:
    """Return the steps that Alembic announced, in the order of the events."""
    found = []
    for event in events:
        if event.source == "log" and (match := _RUNNING.search(event.message)):
            after = match["to"].strip()
            if match["verb"] != "stamp_revision":  # what comes after the comma is the migration's message
                after = after.partition(", ")[0]
            found.append(
                Announced(
                    event=event,
                    verb=match["verb"],
                    before=_revisions(match["from"]),
                    after=_revisions(after),
                    failed=event.level in ("error", "critical"),
                )
            )
    return tuple(found)


def unlocated(events: Iterable[Event]) -> tuple[tuple[str, Event], ...]:
    """Return the revisions that Alembic found recorded and could not locate, with what says so."""
    found = ((_LOST.search(event.message), event) for event in events if event.source == "log")
    return tuple((match["version"], event) for match, event in found if match)


def stamped(statement: str) -> str:
    """Return the revision that a statement writes into Alembic's tracker, or an empty text."""
    found = _STAMPED.match(statement)
    return found["version"] if found else ""


def _revisions(text: str) -> tuple[str, ...]:
    return tuple(part for item in text.split(",") if (part := item.strip().strip("()'\"")) and " " not in part)
