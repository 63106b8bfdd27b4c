"""PostgreSQL's csvlog (https://www.postgresql.org/docs/current/runtime-config-logging.html), 13 to 18."""

from __future__ import annotations

import csv
import re

from forensics.logs.entry import UNFINISHED, Entry, Format, Learnt, Line, Unfinished
from forensics.logs.postgres import level
from forensics.logs.words import moment

_START = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]{1,6},(?:"|,)')
_FIELDS = 23
_PARTS = {"DETAIL": 14, "HINT": 15, "QUERY": 16, "CONTEXT": 18}


def read(line: Line, learnt: Learnt) -> Entry | Unfinished | None:
    """Read a record; one with line ends in its values takes several lines."""
    if not _START.match(line.text):
        return None
    if line.text.count('"') % 2:
        return UNFINISHED
    try:
        row = next(csv.reader(line.text.splitlines(keepends=True)), [])
    except csv.Error:
        return None
    if len(row) < _FIELDS:
        return None
    parts = "".join(f"\n{name}: {row[place]}" for name, place in _PARTS.items() if row[place])
    return Entry(
        at=moment(row[0], line.zone),
        level=level(row[11], row[12]),
        actor=row[22] or row[1] or row[3],
        message=row[13] + parts,
        session=row[3],
        database=row[2],
        statement=row[19],
        code=row[12] if row[12] != "00000" else "",
        whole=True,
    )


FORMAT = Format(name="postgresql-csv", rank=10, read=read)
