"""A log of any size -> the entries that are kept: all of a short one, of a long one those that matter."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from forensics.model import Event

_KEPT = 20_000
_ORDINARY = 5_000
_NUMBERS = re.compile(r"\d+")
_TELLING = re.compile(r"(?i)running (?:upgrade|downgrade)|migrat|revision|alembic|\b(?:create|alter|drop)\s+\w+")


def sift(events: Iterable[Event], *, most: int = _KEPT, ordinary: int = _ORDINARY) -> tuple[Event, ...]:
    """Return the events to keep, in their order; of a log within the limits that is every one.

    Beyond the first ``ordinary`` entries, those that are neither warnings nor about migrations or definitions are only
    counted. Beyond ``most``, an entry that repeats a kept one counts there (``count``, ``until``), and any other is
    counted. What was left out is said in one warning at the end.
    """
    kept: list[Event] = []
    places: dict[tuple[str, str, str], int] = {}
    last: deque[Event] = deque(maxlen=1)
    usual = dropped = 0
    for event in events:
        telling = event.level not in ("info", "debug") or bool(event.statement) or bool(_TELLING.search(event.message))
        if not telling:
            if usual >= ordinary:
                dropped += 1
                last.append(event)
                continue
            usual += 1
        if len(kept) < most:
            places.setdefault(_key(event), len(kept))
            kept.append(event)
            continue
        place = places.get(_key(event))
        if place is None:
            dropped += 1
            last.append(event)
        else:
            first = kept[place]
            until = max((item for item in (first.until, event.at, event.until) if item), default=None)
            kept[place] = replace(first, count=first.count + event.count, until=until)
    if dropped:
        message = f"{dropped} log entries are not shown: they come after the first {len(kept)} and repeat none of them"
        kept.append(Event(at=None, source="log", message=message, ref=last[0].ref, level="warning",
                          environment=last[0].environment))  # fmt: skip
    return tuple(kept)


def _key(event: Event) -> tuple[str, str, str]:
    return event.level, _NUMBERS.sub("#", event.message[:200]), event.statement[:400]
