"""Migrations, the chain they form, and what a tracker says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One text of one migration file. ``origin``: ``worktree``, ``archived`` or ``git:<commit>``."""

    text: str
    sha256: str
    md5: str
    origin: str = "worktree"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration as its file declares it (read as text; nothing is imported).

    ``id`` is unique in the chain; ``version`` is what the tracker holds and may not be. ``language`` is ``sql`` or
    ``python``. ``problem`` says why the tool could not load it, and is empty where it can. ``entry`` names the function that
    runs it forward where that is not the chain's (a person can call what the tool cannot).
    """

    id: str
    version: str
    name: str
    file: str | None
    content: Content
    language: str
    parents: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    description: str = ""
    problem: str = ""
    entry: str = ""

    @property
    def loadable(self) -> bool:
        """Whether the migration tool can load it."""
        return not self.problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProblem:
    """Something wrong with the graph: ``cause`` is one of the contract's causes."""

    cause: str
    migrations: tuple[str, ...]
    detail: str


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What the case file adds for a replay; see the contract, section 1.

    ``env_file`` and ``config_file`` are where Alembic's ``env.py`` and ``alembic.ini`` stand; its adapter finds them.
    """

    runner: str = "executescript"
    entry: str = ""
    python: str = ""
    sys_path: tuple[str, ...] = ()
    setup: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    naming_convention: str | tuple[tuple[str, str], ...] = ""
    models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    transaction: str = ""
    target: str = "heads"
    driver: str = ""
    env_py: str = "harvest"
    version_table: str = ""
    trust: bool = False
    env_file: str = ""
    config_file: str = ""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The migrations of one folder in the order in which their tool runs them.

    ``archived`` are chains that are no longer active, ``beside`` the migrations of the same folder that the hint ``target``
    leaves out. ``root`` is the folder (an absolute path; it appears in no
    report), ``path`` what the user wrote.
    """

    name: str
    tool: str
    path: str
    root: str
    migrations: tuple[Migration, ...] = ()
    problems: tuple[ChainProblem, ...] = ()
    archived: tuple[Chain, ...] = ()
    beside: tuple[Migration, ...] = ()
    hints: Hints = field(default_factory=Hints)

    @cached_property
    def by_id(self) -> Mapping[str, Migration]:
        """The migrations by their id."""
        return {item.id: item for item in self.migrations}

    @cached_property
    def by_version(self) -> Mapping[str, tuple[Migration, ...]]:
        """The migrations by their version, in the chain's order."""
        found: dict[str, tuple[Migration, ...]] = {}
        for item in self.migrations:
            found[item.version] = (*found.get(item.version, ()), item)
        return found

    @property
    def bases(self) -> tuple[str, ...]:
        """The ids of the migrations without a parent."""
        return tuple(item.id for item in self.migrations if not item.parents)

    @property
    def heads(self) -> tuple[str, ...]:
        """The ids of the migrations that are nobody's parent."""
        parents = {parent for item in self.migrations for parent in item.parents}
        return tuple(item.id for item in self.migrations if item.id not in parents)

    def label(self, migration_id: str) -> str:
        """How findings name a migration: its version where that is unique in the chain, else its id."""
        item = self.by_id.get(migration_id)
        if item is None:
            return migration_id
        return item.version if len(self.by_version[item.version]) == 1 else item.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One row of a tracker. ``order`` is the row's place in the tracker's own order, from 1."""

    version: str
    order: int
    recorded_at: datetime | None = None
    description: str = ""
    checksum: str = ""
    success: bool = True
    row_id: int | None = None
    ref: str = ""


@dataclass(frozen=True, kw_only=True)
class History:
    """What one tracker says. ``state``: ``present``, ``empty``, ``absent`` or ``unreadable``.

    ``keeps`` tells the tracker's kind of memory: ``log``, ``rows`` or ``head`` (only where we are).
    """

    tool: str | None
    table: str | None
    state: str
    keeps: str = "rows"
    rows: tuple[Applied, ...] = ()
    assumed_zone: str = ""
    problem: str = ""

    @property
    def versions(self) -> tuple[str, ...]:
        """The recorded versions in the tracker's order."""
        return tuple(row.version for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVersion:
    """One text that a path of the migrations folder had in git. ``action``: ``A``, ``M``, ``D`` or ``R``.

    ``in_head``: the commit is part of what is checked out. Where it is not, ``branches`` are those that hold it, and
    ``newer`` says that one of these goes on from what is checked out.
    """

    path: str
    commit: str
    at: datetime
    author: str
    subject: str
    action: str
    content: Content | None
    old_path: str = ""
    reachable: bool = True
    in_head: bool = True
    branches: tuple[str, ...] = ()
    newer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One dated fact. ``at`` is UTC or None (unknown). ``precision`` is in seconds (1e-6 for microseconds).

    ``source``: ``tracker``, ``git``, ``file``, ``log`` or ``human``; ``assumed`` is the zone that was assumed where
    the source had none.

    Of a log entry: ``session`` is the process that wrote or served it, ``database`` and ``statement`` what it was about,
    ``code`` its SQLSTATE, ``runner`` the service or container. ``echo`` marks an error that only follows from an earlier
    one of its session. ``after`` is the last time before an entry that has none of its own. ``count`` entries that say
    the same are told by the first of them, the last one at ``until``.
    """

    at: datetime | None
    source: str
    message: str
    ref: str
    actor: str = ""
    level: str = "info"
    assumed: str = ""
    precision: float = 1.0
    environment: str = ""
    migration: str = ""
    session: str = ""
    database: str = ""
    statement: str = ""
    code: str = ""
    runner: str = ""
    echo: bool = False
    after: datetime | None = None
    count: int = 1
    until: datetime | None = None
