"""Many events as few lines: what one source says at once, or says again and again, becomes one burst."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from forensics import wording
from forensics.history.announced import stamped
from forensics.model import Event

_NOUNS: Final = {
    "tracker": ("row", "rows"),
    "git": ("commit", "commits"),
    "file": ("file", "files"),
    "log": ("log line", "log lines"),
    "human": ("note", "notes"),
}
# How sources are called; what people reported has the source ``human``.
SOURCES: Final = {"human": "people", "file": "files"}
_GRAVE: Final = ("error", "critical")
_MOVE: Final = re.compile(r"Running (?:upgrade|downgrade|stamp_revision) ")
_RAISED: Final = re.compile(r"(?m)^[\w.]+(?:Error|Exception|Exit|Violation)\w*: .+$")
_TOGETHER: Final = timedelta(seconds=2)
_AGAIN: Final = timedelta(hours=1)
_STEPS: Final = tuple(timedelta(seconds=each) for each in (2, 30, 300, 3600, 6 * 3600, 86400, 7 * 86400, 90 * 86400))


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Events of one source that are shown as one; in the order of their time, at least one."""

    events: tuple[Event, ...]

    @property
    def source(self) -> str:
        """Where they come from."""
        return self.events[0].source

    @property
    def start(self) -> datetime | None:
        """When the first was."""
        return self.events[0].at

    @property
    def end(self) -> datetime | None:
        """When the last was."""
        return self.events[-1].at

    @property
    def alarming(self) -> bool:
        """Whether one of them reports a failure."""
        return any(event.level in _GRAVE for event in self.events)

    @property
    def text(self) -> str:
        """What happened, in one line: the message, or how many there were and what they have in common."""
        first = self.events[0]
        if len(self.events) == 1:
            return f"{line(first)} ({first.actor})" if first.actor else line(first)
        singular, plural = _NOUNS.get(self.source, ("event", "events"))
        head = wording.count(len(self.events), singular, plural)
        if self.start is not None and self.end is not None:
            same = self.end - self.start < timedelta(seconds=1)
            head += "" if same else f" until {_until(self.start, self.end)}"
        grave = [event for event in self.events if event.level in _GRAVE]
        (message, times), *_ = Counter(line(event) for event in grave or self.events).most_common(1)
        if times == len(self.events):
            return f"{head}: {message}"
        labels = list(dict.fromkeys(event.migration for event in self.events if event.migration))
        shared = _shared([line(event) for event in self.events])
        if len(labels) == len(self.events):
            kept = self.source == "tracker" and all("=" in event.ref for event in self.events)
            rows = [event.ref.rpartition("=")[2] for event in self.events] if kept else labels
            today = [label for label, row in zip(labels, rows, strict=True) if not label.startswith(row)]
            told = rows if today else labels
            named = " and ".join(told) if len(told) == 2 else f"{told[0]} to {told[-1]}"
            named += f" (today's {wording.listing(today)})" if today else ""
            return f"{head}: {named} {shared}".rstrip()
        return f"{head}: {message}" + (f" ({times} times) and others" if times > 1 else ", and others")


def line(event: Event) -> str:
    """Return what an event says in one line: of a traceback what was at work and what was raised."""
    head, traced, rest = event.message.partition("\nTraceback (most recent call last)")
    raised = _RAISED.findall(rest) if traced else []
    return " ".join((f"{head}: {raised[-1]}" if raised else head).split()) or event.message


def _weight(event: Event) -> str:
    """Return what a line of a log is: one that tells of a failure, one that tells of a migration, or one of the many."""
    if event.source != "log":
        return ""
    if event.level in _GRAVE:
        return "grave"
    return "move" if _MOVE.search(event.message) or stamped(event.statement) else ""


def bursts(events: Iterable[Event], limit: int = 48) -> tuple[Burst, ...]:
    """Return the events as at most ``limit`` bursts where that is possible, in the order of their beginning.

    Events without a time come last. What was within two seconds is always one burst, and so is a message that comes
    again within the hour. In a log what failed, and what a migration tool announced, is not lost among the lines around
    it: each of these stands by itself. Where that leaves too many, the window grows until few enough are left.
    """
    dated = sorted(
        (event for event in events if event.at is not None), key=lambda event: (event.at, event.source, event.ref)
    )
    undated = tuple(event for event in events if event.at is None)
    found: list[list[Event]] = []
    for step in _STEPS:
        found = _collect(dated, step)
        if len(found) + bool(undated) <= limit:
            break
    rest = [Burst(events=tuple(group)) for group in _by_source(undated)]
    return (*(Burst(events=tuple(group)) for group in found), *rest)


def _collect(dated: Sequence[Event], together: timedelta) -> list[list[Event]]:
    groups: list[list[Event]] = []
    latest: dict[tuple[str, str, str], list[Event]] = {}
    for event in dated:
        assert event.at is not None
        weight = _weight(event)
        alone = timedelta(0) if weight and together <= _TOGETHER else together
        near, again = latest.get((event.source, weight, "")), latest.get((event.source, weight, event.message))
        for group, window in ((again, max(_AGAIN, together)), (near, alone)):
            last = group[-1].at if group else None
            if group and last is not None and window and event.at - last <= window:
                group.append(event)
                break
        else:
            group = [event]
            groups.append(group)
        assert group is not None
        latest[event.source, weight, ""] = latest[event.source, weight, event.message] = group
        if weight:  # what comes after it is told after it
            latest.pop((event.source, "", ""), None)
    return groups


def _by_source(events: Sequence[Event]) -> list[list[Event]]:
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.source, []).append(event)
    return list(groups.values())


def _until(start: datetime, end: datetime) -> str:
    return f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"


def _shared(messages: Sequence[str]) -> str:
    """Return the words at the end that all messages have in common."""
    endings = [message.split() for message in messages]
    shared: list[str] = []
    for words in zip(*(reversed(each) for each in endings), strict=False):
        if len(set(words)) > 1:
            break
        shared.insert(0, words[0])
    return " ".join(shared)
