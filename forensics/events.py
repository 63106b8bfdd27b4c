"""Log files -> `Event`: one pass, a line at a time, whatever the lines look like."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from forensics.clock import Instant, instant
from forensics.content import readable
from forensics.model import Event
from forensics.redact import redact_text

# What one event may hold: a traceback fits, a dump that somebody logged does not, and memory stays constant.
_LINE, _LINES, _MESSAGE = 64 * 1024, 60, 4000
_TIME = (
    r"\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?"
    r"(?:\s?(?:Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b|[+-]\d{2}\b))?"
)
_PLAIN = re.compile(rf"\s*[\[(<]?(?P<at>{_TIME})[\])>]?[\s|:,-]*(?P<rest>.*)", re.S)
_ACCESS = re.compile(
    r"(?P<head>[^\[]*)\[(?P<at>\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]\s*(?P<rest>.*)", re.S
)
_LOGFMT = re.compile(r'(?P<key>[\w.@-]+)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>\S*))')
_LEVELS = {
    "trace": "debug", "debug": "debug", "debug1": "debug", "verbose": "debug", "info": "info", "information": "info",
    "notice": "info", "log": "info", "statement": "info", "detail": "info", "hint": "info", "warn": "warning",
    "warning": "warning", "error": "error", "err": "error", "severe": "error", "exception": "error",
    "critical": "critical", "crit": "critical", "fatal": "critical", "panic": "critical", "alert": "critical",
    "emerg": "critical", "emergency": "critical",
}  # fmt: skip
_LEVEL = re.compile(rf"[\[(<|]?\b(?P<level>{'|'.join(_LEVELS)})\b[\])>|]?:?", re.I)
_NAME = re.compile(r"[\[(]?(?P<name>[A-Za-z_][\w.\-/]{0,80})[\])]?\s*(?::\s|\s-\s|\|\s)(?P<rest>.*)", re.S)
_KEYS = {
    "at": ("@timestamp", "timestamp", "time", "ts", "asctime", "datetime", "date", "t", "at"),
    "level": ("level", "levelname", "severity", "lvl", "log.level", "loglevel"),
    "name": ("logger", "name", "logger_name", "component", "module", "service"),
    "message": ("message", "msg", "event", "text", "log"),
    "more": ("error", "err", "exception", "exc_info", "stack", "traceback", "detail"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    at: Instant | None
    level: str
    actor: str
    message: str


def read_logs(
    paths: Sequence[Path], *, zone: str = "UTC", environment: str = "", base: Path | None = None
) -> Iterator[Event]:
    """Read log files and yield an event for each entry, in the order of the files and lines.

    Understood are plain logs (ISO times with or without a zone, brackets around what they like, a level, a logger's
    name), access logs, JSON lines and logfmt, each also as ``.gz``. Lines that do not begin an entry continue the one
    before (tracebacks). Times without a zone are in ``zone``, and the event says that this was assumed. Lines before
    the first entry that mean nothing, and files that cannot be read, become one warning each; nothing is raised. Refs
    are ``logs/file.log:LINE``, relative to ``base``. Secrets are masked.
    """
    for path in paths:
        yield from _read(path, _shown(path, base), zone, environment)


def _read(path: Path, shown: str, zone: str, environment: str) -> Iterator[Event]:
    unknown = 0
    first_unknown = ""
    head: _Line | None = None
    started = 0
    more: list[str] = []

    def event(line: _Line, number: int, rest: Sequence[str]) -> Event:
        message = redact_text("\n".join([line.message, *rest])[:_MESSAGE])
        return Event(
            at=line.at.at if line.at else None, source="log", message=message, ref=f"{shown}:{number}",
            actor=line.actor, level=line.level, assumed=line.at.assumed if line.at else "",
            precision=line.at.precision if line.at else 1.0, environment=environment,
        )  # fmt: skip

    try:
        with _opened(path) as file:
            for number, text in _lines(file):
                line = _parse(text, zone)
                if line is not None:
                    if head is not None:
                        yield event(head, started, more)
                    head, started, more = line, number, []
                elif head is not None:
                    if len(more) < _LINES:
                        more.append(text)
                elif text.strip():
                    unknown += 1
                    first_unknown = first_unknown or f"{shown}:{number}"
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if head is not None:
            yield event(head, started, more)
        yield _problem(f"{shown} could not be read to its end: {reason}", shown, environment)
        head = None
    if head is not None:
        yield event(head, started, more)
    if unknown:
        plural = "1 line has" if unknown == 1 else f"{unknown} lines have"
        yield _problem(f"{plural} no time that could be understood", first_unknown, environment)


def _problem(message: str, ref: str, environment: str) -> Event:
    return Event(at=None, source="log", message=message, ref=ref, level="warning", environment=environment)


def _shown(path: Path, base: Path | None) -> str:
    if base is not None and path.absolute().is_relative_to(base.absolute()):
        return readable(path.absolute().relative_to(base.absolute()).as_posix())
    return readable("/".join(part for part in path.parts[-2:] if part != path.anchor))


def _opened(path: Path) -> IO[bytes]:
    if not path.is_file():  # a folder, or a pipe that would wait for ever
        raise OSError(0, "there is no such file" if not path.exists() else "it is not a file")
    file = path.open("rb")
    if file.read(2) == b"\x1f\x8b":
        file.close()
        return cast("IO[bytes]", gzip.open(path, "rb"))
    file.seek(0)
    return file


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    number = 0
    while data := file.readline(_LINE):
        number += 1
        whole = data
        while not whole.endswith(b"\n") and (whole := file.readline(_LINE)):
            pass  # the rest of a line without end
        yield number, data.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n").replace("\0", "\ufffd")


def _parse(text: str, zone: str) -> _Line | None:
    if text.lstrip().startswith("{"):
        return _json(text, zone)
    if match := _PLAIN.match(text):
        at = instant(match["at"].replace(",", "."), zone)
        return _rest(at, match["rest"]) if at else None
    if match := _ACCESS.match(text):
        at = instant(match["at"], zone)
        if at:
            return _Line(at, "info", "", f"{match['head']}{match['rest']}".strip())
    pairs = {match["key"]: _value(match) for match in _LOGFMT.finditer(text)} if "=" in text else {}
    if any(key in pairs for key in _KEYS["message"]):
        return _fields(pairs, zone)
    return None


def _rest(at: Instant, text: str) -> _Line:
    # The level stands before or after the logger's name, within the first few words.
    level, actor = "info", ""
    found = _LEVEL.search(text[:120])
    if found and len(text[: found.start()].split()) <= 4 and not _spoken(text[: found.start()]):
        level = _LEVELS[found["level"].lower()]
        actor = text[: found.start()].strip(" -|:[]()\t")
        text = text[found.end() :].lstrip(" -|\t")
    if not actor:
        named = _NAME.match(text)
        if named:
            actor, text = named["name"], named["rest"]
    return _Line(at, level, actor, text.strip())


def _spoken(before: str) -> bool:
    # "an error" in a sentence is no level: what stands before a level is short and no prose.
    return bool(re.search(r"[a-z]+ [a-z]+ ?$", before)) and not re.search(r"[-|:\]]\s*$", before)


def _json(text: str, zone: str) -> _Line | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _fields(data, zone) if isinstance(data, dict) else None


def _fields(data: Mapping[str, Any], zone: str) -> _Line | None:
    at = next((found for key in _KEYS["at"] if (found := instant(data.get(key), zone))), None)
    message = _first(data, "message")
    if at is None:
        return None
    level = _LEVELS.get(_first(data, "level").lower(), "info")
    more = _first(data, "more")
    return _Line(at, level, _first(data, "name"), f"{message}: {more}" if message and more else message or more)


def _first(data: Mapping[str, Any], field: str) -> str:
    value = next((data[key] for key in _KEYS[field] if data.get(key) not in (None, "")), "")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _value(match: re.Match[str]) -> str:
    quoted: str | None = match["quoted"]
    return match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
