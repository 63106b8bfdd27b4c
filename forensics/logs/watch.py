"""Texts that somebody looks for in a log, found while it goes by; nothing of the log is kept."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from forensics.logs.reading import Told
from forensics.model import Event, Observation

_WAITING = 2000
_NEAR = 50  # lines of other sessions that may stand between the lines of one entry


class Wanted:
    """A text to look for: case and the kind of space do not matter, and ``*`` is anything.

    Looking takes a time that grows with the text that is looked at and no faster, whatever is looked for.

    Examples
    --------
    >>> Wanted("drop index *runs").within("DROP  INDEX ix_runs")
    True
    """

    def __init__(self, text: str) -> None:
        parts = [part for part in (_spaced(each) for each in text.split("*")) if part]
        self._parts = [re.compile(part, re.IGNORECASE) for part in parts]

    def within(self, text: str) -> bool:
        """Whether it occurs in a text."""
        at = 0
        for part in self._parts:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        return bool(self._parts)


def _spaced(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


@dataclass(slots=True)
class _Looked:
    """One text, what was found of it, and the lines with it that no entry has told yet."""

    wanted: Wanted
    seen: Observation
    lines: deque[int] = field(default_factory=lambda: deque(maxlen=_WAITING))


class Watch:
    """Looks for several texts in every line and every entry of the logs that are read with it.

    A line shows what stands in it as it is, an entry what runs over several lines; what both show counts once.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [
            _Looked(wanted=Wanted(text), seen=Observation(kind="log", subject=text)) for text in dict.fromkeys(texts)
        ]

    def lines(self, source: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Pass the lines of one file on, and look at each."""
        for number, line in source:
            for item in self._texts:
                if item.wanted.within(line):
                    item.lines.append(number)
            yield number, line

    def entry(self, told: Told, event: Event) -> None:
        """Look at one entry, whose time and place ``event`` has."""
        for item in self._texts:
            if not (item.wanted.within(told.message) or (told.statement and item.wanted.within(told.statement))):
                continue
            last = told.number + told.message.count("\n") + told.statement.count("\n") + _NEAR
            for number in [each for each in item.lines if told.number <= each <= last]:
                item.lines.remove(number)
            item.seen = seen(item.seen, event)

    def end(self, shown: str, problem: str = "") -> None:
        """End one file: lines that stand in no entry of a known format count by themselves."""
        for item in self._texts:
            if item.lines:
                more = len(item.lines)
                item.seen = replace(
                    item.seen, count=item.seen.count + more, undated=item.seen.undated + more,
                    ref=item.seen.ref or f"{shown}:{item.lines[-1]}",
                )  # fmt: skip
                item.lines.clear()
            item.seen = replace(item.seen, problem=item.seen.problem or problem)

    def found(self) -> tuple[Observation, ...]:
        """Return what was found of each text, in the order in which they were given."""
        return tuple(item.seen for item in self._texts)


def seen(before: Observation, event: Event) -> Observation:
    """Return what is known of a text with one more entry that holds it."""
    at = event.until or event.at
    later = at is not None and (before.last is None or at >= before.last)
    return replace(
        before,
        count=before.count + event.count,
        undated=before.undated + (at is None),
        last=at if later else before.last,
        ref=event.ref if later or not before.ref else before.ref,
    )
