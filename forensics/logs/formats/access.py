"""Access logs of web servers: the time in brackets after the client's address."""

from __future__ import annotations

import re

from forensics.clock import instant
from forensics.logs.entry import Entry, Format, Learnt, Line

_LINE = re.compile(
    r"(?P<head>[^\[]*)\[(?P<at>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]\s*(?P<rest>.*)", re.S
)


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a request."""
    found = _LINE.match(line.text)
    at = instant(found["at"], line.zone) if found else None
    if found is None or at is None:
        return None
    return Entry(at=at, message=f"{found['head']}{found['rest']}".strip())


FORMAT = Format(name="access", rank=45, read=read)
