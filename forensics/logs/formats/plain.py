"""Plain logs of applications: an ISO time with brackets around what they like, a level, a logger's name."""

from __future__ import annotations

import re

from forensics.logs.entry import Entry, Format, Learnt, Line
from forensics.logs.words import TIME, levelled, moment, spoken

_LINE = re.compile(rf"\s*[\[(<]?(?P<at>{TIME})[\])>]?[\s|:,-]*(?P<rest>.*)", re.S)


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a line that begins with a time, or to which the runtime of its container gave one."""
    if found := _LINE.match(line.text):
        at = moment(found["at"], line.zone)
        return spoken(at, found["rest"]) if at else None
    if line.at is None or not line.text.strip() or line.text[0].isspace():
        return None
    entry = spoken(None, line.text)
    return entry if levelled(line.text) else Entry(level=entry.level, actor=entry.actor, message=entry.message, weak=True)


FORMAT = Format(name="plain", rank=50, read=read)
