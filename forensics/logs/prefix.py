"""What stands before the severity in a line of PostgreSQL, whatever ``log_line_prefix`` says.

The setting is not in the log, so it is inferred: times, session ids, hosts, ``name=value`` and ``user@database`` tell
themselves; which of the bare numbers is the process id is learnt from how they change from line to line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.clock import Instant, instant
from forensics.logs.entry import Learnt
from forensics.logs.words import TIME, moment

_TIME = re.compile(rf"{TIME}(?: [A-Z]{{3,5}}\b)?")
_EPOCH = re.compile(r"(?<![\w.])1\d{9}\.\d{3}(?![\w.])")
_SESSION = re.compile(r"(?<![\w.])[0-9a-f]{7,9}\.(?P<pid>[0-9a-f]{1,7})(?![\w.])")
_HOST = re.compile(r"\[local\]|[\w.:-]+\(\d+\)")
_LABEL = re.compile(r"(?P<key>[A-Za-z_]+)=(?P<value>\[unknown\]|[^,\s\]|;)]*)")
_AT = re.compile(r"(?P<user>\[unknown\]|[^\s@\[\](),:;|=]+)@(?P<database>\[unknown\]|[^\s@\[\](),:;|=]+)")
_VIRTUAL = re.compile(r"(?<![\w.])-?\d+/\d+(?![\w.])")
_NUMBER = re.compile(r"(?<![\w.])(?:\d[0-9A-Z]{4}|P0\d{3}|XX\d{3}|HV[0-9A-Z]{3}|F0\d{3}|\d+)(?![\w.])")
_WORD = re.compile(r"\[unknown\]|[A-Za-z_][\w.$-]*")
_KEYS = {
    "pid": "session", "p": "session", "session": "session", "db": "database", "database": "database", "d": "database",
    "dbname": "database", "user": "user", "usr": "user", "u": "user", "app": "application", "a": "application",
    "application": "application", "appname": "application", "e": "code", "state": "code", "sqlstate": "code",
}  # fmt: skip
_AUTHORIZED = re.compile(r"connection authorized: user=(?P<user>\S+) database=(?P<database>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The fields of one prefix; empty where it does not have them."""

    at: Instant | None = None
    session: str = ""
    database: str = ""
    user: str = ""
    application: str = ""
    code: str = ""


@dataclass(slots=True)
class _Cut:
    at: Instant | None
    named: dict[str, str]
    numbers: list[str]
    marks: list[str]
    words: list[str]


def parse(text: str, learnt: Learnt, zone: str) -> Prefix:
    """Return the fields of a prefix, with what `learn` found out about its numbers and words."""
    cut = _cut(text, zone)
    named = cut.named
    if "session" not in named and cut.numbers:
        place = learnt.pid if learnt.pid is not None else _bracketed(cut.marks)
        if place is not None and place < len(cut.numbers):
            named["session"] = cut.numbers[place]
    for field, place in (("database", learnt.database), ("user", learnt.user)):
        if field not in named and place is not None and place < len(cut.words):
            named[field] = cut.words[place]
    code = named.get("code") or next((item for item in cut.numbers if not item.isdecimal()), "")
    if not code and learnt.code is not None and learnt.code < len(cut.numbers):
        code = cut.numbers[learnt.code]
    return Prefix(
        at=cut.at,
        session=named.get("session", ""),
        database=_known(named.get("database", "")),
        user=_known(named.get("user", "")),
        application=_known(named.get("application", "")),
        code=code,
    )


def learn(samples: Sequence[tuple[str, str, bool]], learnt: Learnt) -> None:
    """Find out which bare number is the process id, and which bare words are the user and the database.

    ``samples`` are (prefix, message, whether the line belongs to the one before). In a report that goes over several
    lines the process id stays and the line number grows; what is ``00000`` in one of them is the error code.
    """
    stays: Counter[int] = Counter()
    grows: Counter[int] = Counter()
    values: dict[int, set[str]] = {}
    marks: dict[int, str] = {}
    before: list[str] = []
    pairs = 0
    for text, message, belongs in samples:
        cut = _cut(text, "UTC")
        for place, value in enumerate(cut.numbers):
            values.setdefault(place, set()).add(value)
            marks.setdefault(place, cut.marks[place])
            if place < len(before) and value.isdecimal() and before[place].isdecimal():
                grows[place] += int(value) == int(before[place]) + 1
                if belongs:
                    stays[place] += value == before[place]
        pairs += bool(before)
        before = cut.numbers
        if found := _AUTHORIZED.match(message):
            _words(cut.words, found, learnt)
    learnt.code = next((place for place, seen in values.items() if "00000" in seen), None)
    choices = [
        place
        for place, seen in values.items()
        if marks[place] != "-" and "00000" not in seen and seen != {"0"} and all(item.isdecimal() for item in seen)
    ]
    choices = [place for place in choices if not (pairs > 1 and grows[place] * 2 > pairs)] or choices[:1]
    if choices:
        learnt.pid = max(choices, key=lambda place: (marks[place] == "[", stays[place], -grows[place], -place))


def _words(words: Sequence[str], found: re.Match[str], learnt: Learnt) -> None:
    for field in ("user", "database"):
        places = [place for place, word in enumerate(words) if word == found[field]]
        if len(places) == 1:
            setattr(learnt, field, places[0])
        elif found["user"] == found["database"] and len(places) == 2:
            setattr(learnt, field, places[field == "database"])


def _cut(text: str, zone: str) -> _Cut:
    times = [found for match in _TIME.finditer(text) if (found := moment(match[0], zone))]
    times += [found for match in _EPOCH.finditer(text) if (found := instant(float(match[0]), zone))]
    # Of two times the earlier one is the session's start.
    at = max(times, key=lambda item: item.at, default=None)
    # Most prefixes have few of these, and lines are many: nothing is searched for whose mark is not there.
    text = _TIME.sub(" ", text)
    named: dict[str, str] = {}
    if "." in text:
        text = _EPOCH.sub(" ", text)
        if match := _SESSION.search(text):
            named["session"] = str(int(match["pid"], 16))
            text = _SESSION.sub(" ", text)
    if "(" in text or "[local]" in text:
        text = _HOST.sub(" ", text)
    if "/" in text:
        text = _VIRTUAL.sub(" ", text)
    if "=" in text:
        for match in _LABEL.finditer(text):
            if (key := _KEYS.get(match["key"].lower())) and match["value"]:
                named.setdefault(key, match["value"])
        text = _LABEL.sub(" ", text)
    if "@" in text and (match := _AT.search(text)):
        named.setdefault("user", match["user"])
        named.setdefault("database", match["database"])
        text = _AT.sub(" ", text)
    numbers = list(_NUMBER.finditer(text))
    marks = [text[match.start() - 1] if match.start() else "" for match in numbers]
    return _Cut(at, named, [match[0] for match in numbers], marks, _WORD.findall(_NUMBER.sub(" ", text)))


def _bracketed(marks: Sequence[str]) -> int | None:
    return next((place for place, mark in enumerate(marks) if mark == "["), 0 if len(marks) == 1 else None)


def _known(value: str) -> str:
    return "" if value == "[unknown]" else value
