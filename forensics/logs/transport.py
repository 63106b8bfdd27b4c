"""What container runtimes and syslog write before a line: taken off, with the time and the name that it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from forensics.clock import Instant, instant
from forensics.logs.entry import LEVELS, Line
from forensics.logs.lines import LONGEST

_STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COMPOSE = re.compile(r"(?P<runner>[A-Za-z0-9][\w.-]*)\s+\| ?(?P<rest>.*)", re.S)
_CRI = re.compile(rf"(?P<at>{_STAMP}) (?:stdout|stderr) (?P<tag>[FP])(?::\S*)? ?(?P<rest>.*)", re.S)
_POD = re.compile(r"\[(?P<runner>(?:pod|po)/[^\]\s]+)\] ?(?P<rest>.*)", re.S)
_SYSLOG = re.compile(
    rf"(?:<\d+>)?(?:1 )?(?P<at>{_STAMP}|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
    r"(?P<tag>[\w./-]+)\[(?P<pid>\d+)\]: (?:\[\d+-(?P<piece>\d+)\] )?(?P<rest>.*)",
    re.S,
)
_STAMPED = re.compile(rf"(?P<at>{_STAMP}) (?P<rest>.*)", re.S)
_STREAMS = 64


def unwrap(lines: Iterable[tuple[int, str]], zone: str) -> Iterator[Line]:
    """Yield the lines as their programs wrote them.

    Known are ``docker compose logs`` (with or without ``--timestamps``), ``docker logs --timestamps``, Docker's
    ``json-file``, the files of CRI runtimes (Kubernetes), ``kubectl logs --prefix`` and ``--timestamps``, and syslog.
    Pieces of a line that CRI or Docker cut are joined again.
    """
    parts: dict[str, str] = {}
    for number, raw in lines:
        text, at, runner, partial = _stripped(_ANSI.sub("", raw), zone)
        if partial or runner in parts:
            text = (parts.pop(runner, "") + text)[:LONGEST]
        if partial and len(parts) < _STREAMS:
            parts[runner] = text
            continue
        yield Line(number=number, text=text, zone=zone, at=at, runner=runner)


def _stripped(text: str, zone: str) -> tuple[str, Instant | None, str, bool]:
    at: Instant | None = None
    runner = ""
    if text.startswith('{"log":'):
        return _docker(text, zone)
    found = _COMPOSE.match(text) or _POD.match(text)
    if found and found["runner"].lower() not in LEVELS:
        runner, text = found["runner"], found["rest"]
    if match := _CRI.match(text):
        return match["rest"], instant(match["at"], zone), runner, match["tag"] == "P"
    if match := _SYSLOG.match(text):
        # A classic time has no year, and none is made up: such a line has only the time in its own text.
        at = instant(match["at"], zone) if match["at"][0].isdigit() else None
        rest = match["rest"].replace("#011", "\t")
        rest = "\t" + rest.lstrip("\t") if match["piece"] not in (None, "1") else rest
        return rest, at, runner or f"{match['host']} {match['tag']}[{match['pid']}]", False
    if match := _STAMPED.match(text):
        return match["rest"], instant(match["at"], zone), runner, False
    return text, at, runner, False


def _docker(text: str, zone: str) -> tuple[str, Instant | None, str, bool]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text, None, "", False
    log = data.get("log")
    if not isinstance(log, str) or "stream" not in data:
        return text, None, "", False
    return log.rstrip("\n"), instant(data.get("time"), zone), "", not log.endswith("\n")
