"""What a case file says, as records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from forensics.case.keys import nearest
from forensics.errors import CaseError, UsageError
from forensics.model import Event, Hints
from forensics.redact import url_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """The zone of naive times by source."""

    tracker: str = "UTC"
    logs: str = "UTC"
    events: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSpec:
    """One folder of migrations as the case file names it.

    ``path`` and ``archived`` are as written, relative to ``root``; ``git`` is ``auto``, ``none`` or a path as written;
    ``tracker`` maps roles (``table``, ``version``, ``applied_at`` ...) to names. Paths in ``hints`` are absolute.
    """

    name: str
    path: str
    root: Path
    tool: str = "auto"
    archived: tuple[str, ...] = ()
    git: str = "auto"
    tracker: tuple[tuple[str, str], ...] = ()
    hints: Hints = field(default_factory=Hints)
    apps: tuple[str, ...] = ()
    settings: str = ""

    @property
    def folder(self) -> Path:
        """The folder of the migrations as an absolute path."""
        return self.root / self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """One environment as the case file names it.

    ``url`` is for people: as written, ``${VAR}`` left as it is, secrets masked. ``address`` is the real one and never
    leaves the process. ``problem`` is set where the environment cannot be read for a reason known already.
    """

    name: str
    root: Path
    url: str | None = None
    address: str = field(default="", repr=False)
    chain: str = ""
    logs: tuple[str, ...] = ()
    evidence: Path | None = None
    zones: Zones = field(default_factory=Zones)
    problem: str = ""
    remedy: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret parts of the address, for `redact_text`."""
        return url_secrets(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """Something that must be true for the incident to be over: ``kind`` is the key that says what is looked at.

    ``environments`` are those that it is asked of, none for all. ``since`` is the time from which on a log counts:
    empty (from its beginning), ISO 8601 in UTC, or ``last-migration``.
    """

    text: str
    kind: str
    subject: str
    expect: str = ""
    environments: tuple[str, ...] = ()
    since: str = ""

    def concerns(self, environment: str) -> bool:
        """Whether it is asked of an environment."""
        return not self.environments or environment in self.environments


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchSpec:
    """Where scratch databases are made, where the case file says so.

    ``bin`` is the folder of the server's programs. ``address`` leads to a server that holds nothing of value (``url`` is
    the same for people); ``others`` are the names and addresses of the environments on PostgreSQL servers, none of which it may be, and
    ``asks`` says whether these may be asked who they are. ``problem`` is set where the address is not known.
    """

    bin: str = ""
    url: str = ""
    address: str = field(default="", repr=False)
    others: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    asks: bool = True
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """Everything a case file says. ``name`` is the name of its folder, fit for a path; ``path`` is None without one."""

    title: str
    name: str
    root: Path
    path: Path | None = None
    incident: str = ""
    zones: Zones = field(default_factory=Zones)
    chains: tuple[ChainSpec, ...] = ()
    environments: tuple[EnvironmentSpec, ...] = ()
    events: tuple[Event, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    scratch: ScratchSpec = field(default_factory=ScratchSpec)

    def environment(self, name: str) -> EnvironmentSpec:
        """Return an environment by its name; raises `UsageError` with the nearest name for one that is not there."""
        for item in self.environments:
            if item.name == name:
                return item
        raise UsageError(
            f"there is no environment {name!r} in this case", remedy=nearest(name, [e.name for e in self.environments])
        )

    def criteria_of(self, environment: str) -> tuple[Criterion, ...]:
        """Return what must be true of an environment for the incident to be over, in the order of the file."""
        return tuple(item for item in self.criteria if item.concerns(environment))

    def chain(self, name: str) -> ChainSpec:
        """Return a chain by its name; raises `CaseError` with the nearest name for one that is not there."""
        for item in self.chains:
            if item.name == name:
                return item
        raise CaseError(f"there is no chain {name!r}", remedy=nearest(name, [item.name for item in self.chains]))
