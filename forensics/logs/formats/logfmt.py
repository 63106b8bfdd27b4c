"""logfmt: ``time=... level=error msg="..."``."""

from __future__ import annotations

import re

from forensics.logs.entry import Entry, Format, Learnt, Line
from forensics.logs.formats.json_lines import fields, has_message

_PAIR = re.compile(r'(?P<key>[\w.@-]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>\S*))')


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read a line of pairs, one of which is the message."""
    if not _PAIR.match(line.text):
        return None
    pairs = {match["key"]: _value(match) for match in _PAIR.finditer(line.text)}
    return fields(pairs, line) if has_message(pairs) else None


def _value(match: re.Match[str]) -> str:
    quoted: str | None = match["quoted"]
    return match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


FORMAT = Format(name="logfmt", rank=48, read=read)
