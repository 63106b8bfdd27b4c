"""PostgreSQL's log on stderr, with any ``log_line_prefix``: ``<prefix>ERROR:  message`` and the parts that follow."""

from __future__ import annotations

import re

from forensics.logs.entry import Entry, Format, Learnt, Line
from forensics.logs.postgres import PARTS, SEVERITIES, coded, level
from forensics.logs.prefix import learn as learn_prefix
from forensics.logs.prefix import parse

_LINE = re.compile(rf"(?P<prefix>.{{0,300}}?)(?<![A-Za-z_-])(?P<word>{SEVERITIES}|{PARTS}):  (?P<rest>.*)", re.S)
_LONGEST = 20_000


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a line with a severity, or with the name of a part, that two spaces follow. Lines with a tab go on."""
    found = _match(line.text)
    if found is None:
        return None
    prefix = parse(found["prefix"], learnt, line.zone)
    part = found["word"] if found["word"] in PARTS.split("|") else ""
    code, message = ("", found["rest"]) if part else coded(found["rest"])
    return Entry(
        at=prefix.at,
        level=level(found["word"]),
        actor=prefix.application or prefix.user or prefix.session,
        message=message,
        session=prefix.session,
        database=prefix.database,
        code=(code or prefix.code).replace("00000", ""),
        part=part,
        tabbed=True,
    )


def learn(lines: list[Line], learnt: Learnt) -> None:
    """Learn what the numbers of the prefix are."""
    found = (_match(line.text) for line in lines)
    learn_prefix([(item["prefix"], item["rest"], item["word"] in PARTS.split("|")) for item in found if item], learnt)


def _match(text: str) -> re.Match[str] | None:
    if text.startswith("\t") or ":  " not in text[:_LONGEST]:
        return None
    return _LINE.match(text)


FORMAT = Format(name="postgresql", rank=20, read=read, learn=learn)
