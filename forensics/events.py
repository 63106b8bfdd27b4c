"""Log files -> `Event`: one pass, constant memory, whatever the lines look like."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from forensics.chain.content import readable
from forensics.logs.lines import LONGEST, lines, opened
from forensics.logs.reading import Census, Told, read
from forensics.logs.telling import presentable
from forensics.logs.watch import Watch
from forensics.model import Event
from forensics.redact import redact_text

_MESSAGE = 4000


def read_logs(
    paths: Sequence[Path],
    *,
    zone: str = "UTC",
    environment: str = "",
    base: Path | None = None,
    watch: Watch | None = None,
) -> Iterator[Event]:
    """Read log files and yield an event for each entry, in the order of the files and lines.

    The formats are the modules of `forensics.logs.formats`: PostgreSQL's on stderr (any ``log_line_prefix``), csvlog
    and jsonlog, Alembic's own, plain and access logs, JSON lines and logfmt; each may be packed (``.gz``) and come
    through docker, Kubernetes or syslog. Lines that do not begin an entry continue the one before. An error carries
    its statement and its session; one that only echoes an earlier error of its session says so. Times without a zone
    are in ``zone``, and the event says that this was assumed. Lines of no known format, and files that cannot be read
    to their end, become one warning each; nothing is raised. Refs are ``logs/file.log:LINE``, relative to ``base``.
    Secrets and the values of rows are masked. ``watch`` sees everything as it is, before anything is masked or cut.
    """
    for path in paths:
        yield from _read(path, _shown(path, base), zone, environment, watch)


def _read(path: Path, shown: str, zone: str, environment: str, watch: Watch | None) -> Iterator[Event]:
    census = Census()
    problem = ""
    try:
        with opened(path) as file:
            source = lines(file) if watch is None else watch.lines(lines(file))
            for told in read(source, zone=zone, census=census):
                event = _event(told, shown, environment)
                if watch is not None:
                    watch.entry(told, event)
                yield event
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        problem = f"{shown} could not be read to its end: {reason}"
        yield _problem(problem, shown, environment)
    if watch is not None:
        watch.end(shown, redact_text(problem))
    if census.unknown:
        plural = "1 line is" if census.unknown == 1 else f"{census.unknown} lines are"
        yield _problem(f"{plural} in no known log format", f"{shown}:{census.first}", environment)
    if census.cut:
        yield _problem(f"{census.cut} lines were cut out of entries that are too long", shown, environment)


def _event(told: Told, shown: str, environment: str) -> Event:
    return Event(
        at=told.at.at if told.at else None,
        source="log",
        message=_short(_masked(told.message)),
        ref=f"{shown}:{told.number}",
        actor=told.actor,
        level=told.level,
        assumed=told.at.assumed if told.at else "",
        precision=told.at.precision if told.at else 1.0,
        environment=environment,
        session=told.session,
        database=told.database,
        statement=_shown_statement(told.statement[:LONGEST].strip()) if told.statement else "",
        code=told.code,
        runner=told.runner,
        echo=told.echo,
        after=told.after.at if told.after else None,
    )


# What logs say they say again and again, where it is short.
_remembered = lru_cache(maxsize=512)(redact_text)


def _masked(text: str) -> str:
    return _remembered(text) if len(text) < 500 else redact_text(text)


@lru_cache(maxsize=64)
def _shown_statement(statement: str) -> str:
    return redact_text(presentable(statement, _MESSAGE))


def _short(message: str) -> str:
    # A traceback says at its end what happened, and at its beginning where it began.
    if len(message) <= _MESSAGE:
        return message
    return f"{message[: _MESSAGE // 4]}\n...\n{message[-(_MESSAGE - _MESSAGE // 4 - 5) :]}"


def _problem(message: str, ref: str, environment: str) -> Event:
    return Event(at=None, source="log", message=message, ref=ref, level="warning", environment=environment)


def _shown(path: Path, base: Path | None) -> str:
    if base is not None and path.absolute().is_relative_to(base.absolute()):
        return readable(path.absolute().relative_to(base.absolute()).as_posix())
    return readable("/".join(part for part in path.parts[-2:] if part != path.anchor))
