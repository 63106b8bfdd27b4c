"""What has to be explained: one live schema, one chain, and what the tracker claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from forensics.explain.physical import Physical
from forensics.explain.story import State
from forensics.model import Migration, SourceStatement


@dataclass(frozen=True)
class Subject:
    """One environment as the explanation sees it.

    ``live`` holds the groups of the live schema without trackers. ``migrations`` are in the chain's order, each with the text that
    was applied here. ``recorded`` are ids; ``recorded_order`` is the order of the tracker's rows where it keeps one.
    ``sources`` are the application's statements by the (case-folded) table they are about; ``models`` is what the models'
    ``create_all`` builds, where the case file names them. ``unique_versions`` is the tracker's column (``table.column``) that takes a
    version only once. ``confirmed`` are migrations whose row has the checksum of their text, which people rarely type.
    ``cookie`` is SQLite's count of schema changes, without those that made the trackers. ``head_only``: the tracker keeps no row for each
    migration. ``searched``: the case names the application's code or models, whether or not they hold any statement.
    ``physical`` says which transactions wrote the schema and the tracker, where the database keeps that.
    """

    live: State
    migrations: tuple[Migration, ...]
    recorded: frozenset[str] = frozenset()
    recorded_order: tuple[str, ...] = ()
    dialect: str = "sqlite"
    sources: Mapping[str, tuple[SourceStatement, ...]] = field(default_factory=dict)
    models: State | None = None
    models_ddl: tuple[str, ...] = ()
    unique_versions: str = ""
    head_only: bool = False
    cookie: int | None = None
    confirmed: frozenset[str] = frozenset()
    searched: bool = False
    physical: Physical | None = None

    def knows(self, name: str) -> bool:
        """Whether the application's code or models are known to make a group."""
        return bool(self.sources.get(name)) or name in (self.models or {})

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of every migration in the chain."""
        return {item.id: place for place, item in enumerate(self.migrations)}

    @cached_property
    def upcoming(self) -> str:
        """The id of the first migration that is not recorded, or nothing."""
        return next((item.id for item in self.migrations if item.id not in self.recorded), "")


def copies(subject: Subject) -> dict[str, str]:
    """Return the migrations that have the very bytes and the version of an earlier one, with that one."""
    first: dict[tuple[str, str], str] = {}
    found: dict[str, str] = {}
    for item in subject.migrations:
        original = first.setdefault((item.version, item.content.sha256), item.id)
        if original != item.id:
            found[item.id] = original
    return found
