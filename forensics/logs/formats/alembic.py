"""Alembic's own messages: ``INFO  [alembic.runtime.migration] Running upgrade a -> b, message``, without any time.

The layout is that of the ``alembic.ini`` which ``alembic init`` writes; every logger of that process uses it. The one of
``logging.basicConfig`` (``INFO:name:message``) and the command's last words (``FAILED: ...``) are known too.
"""

from __future__ import annotations

import re

from forensics.logs.entry import LEVELS, Entry, Format, Learnt, Line

_LEVELS = "DEBUG|INFO|WARNI(?:NG)?|ERROR|CRITI(?:CAL)?"
_LINE = re.compile(
    rf"(?P<level>{_LEVELS})\s*(?:\[(?P<name>[\w.]+)\]\s+|:(?P<other>[\w.]+):)(?P<rest>.*)|\s*FAILED: (?P<failed>.*)", re.S
)


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a line that begins with a level and a logger's name."""
    found = _LINE.match(line.text)
    if found is None:
        return None
    if found["failed"] is not None:
        return Entry(level="error", actor="alembic", message=found["failed"].strip())
    return Entry(
        level=LEVELS[found["level"].lower()], actor=found["name"] or found["other"], message=found["rest"].strip()
    )


FORMAT = Format(name="alembic", rank=30, read=read)
