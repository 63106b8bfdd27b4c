"""What travels between the parts that read a log: a line, what a format makes of it, and what a format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from forensics.clock import Instant

LEVELS = {
    "trace": "debug", "debug": "debug", "debug1": "debug", "debug2": "debug", "debug3": "debug", "debug4": "debug",
    "debug5": "debug", "verbose": "debug", "info": "info", "information": "info", "notice": "info", "log": "info",
    "statement": "info", "detail": "info", "hint": "info", "warn": "warning", "warni": "warning", "warning": "warning",
    "error": "error", "err": "error", "severe": "error", "exception": "error", "critical": "critical",
    "criti": "critical", "crit": "critical", "fatal": "critical", "panic": "critical", "alert": "critical",
    "emerg": "critical", "emergency": "critical",
}  # fmt: skip
GRAVE = ("error", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line without what a container's runtime wrote before it.

    ``at`` is the time that the runtime noted, ``runner`` the service, container or pod that wrote the line, ``session``
    its process where that is told, ``zone`` the zone of times that name none.
    """

    number: int
    text: str
    zone: str
    at: Instant | None = None
    runner: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a format makes of a line that begins an entry, or that belongs to one (``part``: ``STATEMENT``, ...).

    ``session`` is the process id (or what stands for it) and keeps the lines of different sessions apart; ``whole``
    says that no other line belongs to the entry, whatever the next one looks like; ``weak`` that the line has nothing of
    its own that shows it to be a beginning, so that an open traceback rather goes on with it;
    ``tabbed`` that the lines which follow have a tab before them that is not theirs.
    """

    at: Instant | None = None
    level: str = "info"
    actor: str = ""
    message: str = ""
    session: str = ""
    database: str = ""
    statement: str = ""
    code: str = ""
    part: str = ""
    whole: bool = False
    weak: bool = False
    tabbed: bool = False


@dataclass(slots=True)
class Learnt:
    """What a format has found out about one stream of lines and uses for those that follow."""

    pid: int | None = None
    code: int | None = None
    database: int | None = None
    user: int | None = None


class Unfinished:
    """Says that an entry goes on in the next line; the format is asked again with both."""


UNFINISHED = Unfinished()
Read = Callable[[Line, Learnt], "Entry | Unfinished | None"]


def _nothing(_lines: list[Line], _learnt: Learnt) -> None:
    """Learn nothing from the first lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of logs. ``rank`` is its place in the order in which a line is tried: telling formats come first.

    ``read`` returns None for a line that does not begin an entry of the format. ``learn`` sees the first lines of a
    stream before any of them is read.
    """

    name: str
    rank: int
    read: Read
    learn: Callable[[list[Line], Learnt], None] = _nothing
