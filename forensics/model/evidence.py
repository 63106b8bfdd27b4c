"""What was acquired: the only input of everything to the right of the connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.model.migration import Chain, Event, FileVersion, History
from forensics.model.schema import Snapshot
from forensics.model.writers import Writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One thing that was read: what, how, and the hash that shows that it was not changed since.

    ``ref`` is ``E001`` and so on; ``name`` is a redacted, relative name.
    """

    ref: str
    name: str
    kind: str
    sha256: str = ""
    size: int | None = None
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a criterion asks and only the reading of the evidence can answer.

    ``kind`` ``query``: the one ``value`` that it gave as text (redacted, cut) and the SHA-256 of the whole of it.
    ``kind`` ``log``: in how many entries a text occurs (``count``), of how many of these nobody knows the time
    (``undated``), and the ``last`` time and place. ``problem`` says why it could not be told.
    """

    kind: str
    subject: str
    value: str = ""
    sha256: str = ""
    count: int = 0
    undated: int = 0
    last: datetime | None = None
    ref: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that was read of one environment.

    ``state``: ``read``, ``empty`` (zero bytes, or a database without any object), ``unreadable``. ``histories`` has
    the tracker that belongs to the chain first (an ``absent`` one where there is none), then every other tracker
    that was found. ``events`` are log lines and human events, ``url`` is redacted. ``observations`` are what the
    case's criteria asked of the rows and the logs while they were read. ``writers`` are the transactions that wrote the schema,
    where the database keeps their numbers.
    """

    environment: str
    url: str | None
    dialect: str | None
    state: str
    problem: str = ""
    remedy: str = ""
    snapshot: Snapshot | None = None
    histories: tuple[History, ...] = ()
    events: tuple[Event, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    acquired_at: datetime | None = None
    observations: tuple[Observation, ...] = ()
    writers: Writers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatement:
    """One DDL statement found as text in the application's code. ``ref`` is ``file:line``."""

    sql: str
    table: str
    ref: str


@dataclass(frozen=True, kw_only=True)
class ChainEvidence:
    """A chain with what the repository says about it: every version of its files, and the application's DDL.

    ``elsewhere`` are other chains of the same tool in the working tree, ``beyond`` the texts that revisions had in git
    outside the chain's own folder (their paths begin with ``..``).
    """

    chain: Chain
    versions: tuple[FileVersion, ...] = ()
    sources: tuple[SourceStatement, ...] = ()
    problems: tuple[str, ...] = ()
    elsewhere: tuple[Chain, ...] = ()
    beyond: tuple[FileVersion, ...] = ()
