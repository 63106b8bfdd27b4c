"""What container runtimes and syslog write before a line: taken off, with the time and the name that it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from forensics.clock import instant
from forensics.logs.entry import LEVELS, Line
from forensics.logs.lines import LONGEST

_STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COMPOSE = re.compile(r"(?P<runner>[A-Za-z0-9][\w.-]*)\s+\| ?(?P<rest>.*)", re.S)
_CRI = re.compile(rf"(?P<at>{_STAMP}) (?:stdout|stderr) (?P<tag>[FP])(?::\S*)? ?(?P<rest>.*)", re.S)
_POD = re.compile(r"\[(?P<runner>(?:pod|po)/[^\]\s]+)\] ?(?P<rest>.*)", re.S)
_SYSLOG = re.compile(
    rf"(?:<\d+>)?(?:1 )?(?P<at>{_STAMP}|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) "
    r"(?P<tag>[\w./-]+)\[(?P<pid>\d+)\]: (?:\[\d+-\d+\] )?(?P<rest>.*)",
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
        found = _stripped(Line(number=number, text=_ANSI.sub("", raw), zone=zone))
        line, partial = found if isinstance(found, tuple) else (found, False)
        if partial or line.runner in parts:
            line = replace(line, text=(parts.pop(line.runner, "") + line.text)[:LONGEST])
        if partial and len(parts) < _STREAMS:
            parts[line.runner] = line.text
        else:
            yield line


def _stripped(line: Line) -> Line | tuple[Line, bool]:
    """Return the line without its wrapping; with True where it is only a piece of one."""
    if line.text.startswith('{"log":'):
        return _docker(line)
    found = _COMPOSE.match(line.text) or _POD.match(line.text)
    if found and found["runner"].lower() not in LEVELS:
        line = replace(line, runner=found["runner"], text=found["rest"])
    if match := _CRI.match(line.text):
        return replace(line, text=match["rest"], at=instant(match["at"], line.zone)), match["tag"] == "P"
    if match := _SYSLOG.match(line.text):
        # A classic time has no year, and none is made up: such a line has only the time in its own text.
        at = instant(match["at"], line.zone) if match["at"][0].isdigit() else None
        runner = line.runner or f"{match['host']} {match['tag']}"
        return replace(line, text=match["rest"].replace("#011", "\t"), at=at, runner=runner, session=match["pid"])
    if match := _STAMPED.match(line.text):
        return replace(line, text=match["rest"], at=instant(match["at"], line.zone))
    return line


def _docker(line: Line) -> Line | tuple[Line, bool]:
    try:
        data = json.loads(line.text)
    except (ValueError, RecursionError):
        return line
    log = data.get("log")
    if not isinstance(log, str) or "stream" not in data:
        return line
    return replace(line, text=log.rstrip("\n"), at=instant(data.get("time"), line.zone)), not log.endswith("\n")
