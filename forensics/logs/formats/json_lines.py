"""JSON lines of applications: one object a line, with a time and a message under one of their usual names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from forensics.clock import instant
from forensics.logs.entry import LEVELS, Entry, Format, Learnt, Line

_KEYS = {
    "at": ("@timestamp", "timestamp", "time", "ts", "asctime", "datetime", "date", "t", "at"),
    "level": ("level", "levelname", "severity", "lvl", "log.level", "loglevel"),
    "name": ("logger", "name", "logger_name", "component", "module", "service"),
    "message": ("message", "msg", "event", "text", "log"),
    "more": ("error", "err", "exception", "exc_info", "stack", "traceback", "detail"),
    "session": ("pid", "process"),
}


def read(line: Line, learnt: Learnt) -> Entry | None:
    """Read an object that has a time, or to which the runtime of its container gave one."""
    if not line.text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(line.text)
    except (ValueError, RecursionError):
        return None
    return fields(data, line) if isinstance(data, dict) else None


def fields(data: Mapping[str, Any], line: Line) -> Entry | None:
    """Return the entry that named values make, or None where they tell no time or nothing at all."""
    at = next((found for key in _KEYS["at"] if (found := instant(data.get(key), line.zone))), None)
    if at is None and line.at is None:
        return None
    message, more = _first(data, "message"), _first(data, "more")
    return Entry(
        at=at,
        level=LEVELS.get(_first(data, "level").lower(), "info"),
        actor=_first(data, "name"),
        message=f"{message}: {more}" if message and more else message or more,
        session=_first(data, "session"),
        whole=True,
    )


def has_message(data: Mapping[str, Any]) -> bool:
    """Whether one of the values is a message."""
    return any(key in data for key in _KEYS["message"])


def _first(data: Mapping[str, Any], field: str) -> str:
    value = next((data[key] for key in _KEYS[field] if data.get(key) not in (None, "")), "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


FORMAT = Format(name="json-lines", rank=40, read=read)
