"""PostgreSQL's jsonlog (15 and later): one object a line with ``error_severity``."""

from __future__ import annotations

import json
from typing import Any

from forensics.logs.entry import Entry, Format, Learnt, Line
from forensics.logs.postgres import level
from forensics.logs.words import moment

_PARTS = {"DETAIL": "detail", "HINT": "hint", "QUERY": "internal_query", "CONTEXT": "context"}


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a record."""
    if not line.text.startswith("{") or '"error_severity"' not in line.text:
        return None
    try:
        data = json.loads(line.text)
    except (ValueError, RecursionError):
        return None
    code = _text(data, "state_code")
    parts = "".join(f"\n{name}: {_text(data, key)}" for name, key in _PARTS.items() if data.get(key))
    return Entry(
        at=moment(_text(data, "timestamp"), line.zone),
        level=level(_text(data, "error_severity"), code),
        actor=_text(data, "application_name") or _text(data, "user") or _text(data, "pid"),
        message=_text(data, "message") + parts,
        session=_text(data, "pid"),
        database=_text(data, "dbname"),
        statement=_text(data, "statement"),
        code=code if code != "00000" else "",
        whole=True,
    )


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else str(value)


FORMAT = Format(name="postgresql-json", rank=10, read=read)
