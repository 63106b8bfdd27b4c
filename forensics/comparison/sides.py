"""What ``compare`` can be asked to compare: an environment, a chain, saved evidence, or a database by its address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.acquire import acquire, locate_database
from forensics.acquire.address import dialect_of
from forensics.acquire.store import load
from forensics.case.file import without_file
from forensics.case.gathering import chain_of
from forensics.case.keys import nearest
from forensics.case.spec import ChainSpec
from forensics.conclusions.equivalence import Comparison, Side, built, compare
from forensics.conclusions.harvested import with_harvest
from forensics.errors import DatabaseMissing, DatabaseUnreadable, UsageError
from forensics.model import Chain, Evidence, Snapshot
from forensics.replay.lab import Lab
from forensics.session import Environment
from forensics.views import Chain as ChainView
from forensics.views import Snapshot as SnapshotView

if TYPE_CHECKING:
    from forensics.session import Case

_POSTGRESQL = re.compile(r"dialects(?:\.| import )postgresql|CREATE SEQUENCE|\bCASCADE;|LANGUAGE plpgsql|::\w+", re.IGNORECASE)
_DRIVERS = {"asyncpg": "postgresql", "psycopg": "postgresql", "psycopg2": "postgresql", "pg8000": "postgresql"}


def compare_two(left: Any, right: Any, *, case: Case | None = None, dialect: str = "", trust: bool = False) -> Comparison:
    """Compare two things that `side` understands. A chain is built for the dialect of the other side.

    Raises `UsageError` for a name that means nothing, `DatabaseUnreadable` for what cannot be read.
    """
    known = dialect or next((found for item in (left, right) if (found := _dialect(item, case))), "")
    return compare(side(left, case=case, dialect=known, trust=trust), side(right, case=case, dialect=known, trust=trust))


def side(item: Any, *, case: Case | None = None, dialect: str = "", trust: bool = False) -> Side:
    """Return one side of a comparison.

    ``item`` is an environment (or its name in the case), ``chain:NAME`` (a chain of the case, an archived one by its name or path, or a
    folder), ``snapshot:PATH`` (saved evidence), a path or a URL of a database, or a snapshot or chain as a case gives it.
    """
    if isinstance(item, Side):
        return item
    if isinstance(item, Environment):
        return _evidence(item.evidence, item.name, "environment")
    if isinstance(item, SnapshotView | Snapshot):
        record = item.record if isinstance(item, SnapshotView) else item
        return Side(name="snapshot", kind="snapshot", snapshot=record)
    if isinstance(item, ChainView | Chain):
        return _chain(item.record if isinstance(item, ChainView) else item, case, dialect, trust)
    text = str(item)
    kind, colon, rest = text.partition(":")
    if colon and kind == "chain":
        return _chain(_named(rest, case), case, dialect, trust)
    if colon and kind == "snapshot":
        return _snapshot(rest)
    if case is not None and text in case:
        return _evidence(case[text].evidence, text, "environment")
    return _database(text, case)


def _evidence(found: Evidence, name: str, kind: str) -> Side:
    if found.snapshot is None:
        raise DatabaseUnreadable(f"{name} could not be read: {found.problem}", remedy=found.remedy)
    own = tuple(item.table for item in found.histories if item.table)
    return Side(name=name, kind=kind, snapshot=found.snapshot, ignored=own)


def _snapshot(path: str) -> Side:
    folder = Path(path)
    if folder.name == "evidence.json":
        folder = folder.parent
    if not folder.is_dir():
        raise UsageError(f"there is no saved evidence at {path!r}", remedy="name a folder that holds evidence.json")
    return _evidence(load(folder), folder.name, "snapshot")


def _database(address: str, case: Case | None) -> Side:
    file = without_file(address, migrations=".")
    (spec,) = file.environments
    try:
        with suppress(DatabaseUnreadable):  # what is wrong with it is told by reading it, as everywhere else
            locate_database(spec)
    except DatabaseMissing as error:
        names = [*case.names, *(f"chain:{name}" for name in _chains(case))] if case is not None else []
        raise UsageError(
            f"{address!r} is neither an environment of the case nor a database that is there",
            remedy=nearest(address, names) if names else "name a file, a URL, chain:FOLDER or snapshot:FOLDER",
        ) from error
    return _evidence(acquire(spec, file), spec.name, "database")


def _chain(chain: Chain, case: Case | None, dialect: str, trust: bool) -> Side:
    if not chain.tool:
        raise DatabaseUnreadable(chain.problems[0].detail if chain.problems else f"{chain.path} cannot be read")
    cache = case.workspace.cache if case is not None else None
    wanted = dialect or chain_dialect(chain, case)
    trusted = trust or (case is not None and case.trust)
    scratch = case.scratch if case is not None else None
    with Lab(chain, dialect=wanted, cache=cache, trust=trusted, scratch=scratch) as lab:
        made = built(chain, lab)
        hints = chain.hints
        if made.failures and hints.env_file and hints.env_py == "harvest":
            hints = with_harvest(hints, lab.harvest())
    if hints == chain.hints:
        return made
    informed = replace(chain, hints=hints)
    with Lab(informed, dialect=wanted, cache=cache, trust=trusted, scratch=scratch) as lab:
        return built(informed, lab)


def _named(name: str, case: Case | None) -> Chain:
    known = _chains(case) if case is not None else {}
    found = known.get(name) or next((item for item in known.values() if name in (item.path, Path(item.path).name)), None)
    if found is not None:
        return found
    folder = Path(name)
    if not folder.exists():
        raise UsageError(
            f"there is no chain {name!r}", remedy=nearest(name, known) if known else "name a folder of migrations"
        )
    return chain_of(ChainSpec(name=folder.name or "main", path=name, root=Path.cwd(), git="none")).chain


def _chains(case: Case | None) -> dict[str, Chain]:
    """Return the chains of a case by name: the active ones, then the archived ones that are not called like one of them."""
    found: dict[str, Chain] = {}
    for spec in case.file.chains if case is not None else ():
        assert case is not None
        found[spec.name] = case.chain(spec.name).chain
    for chain in list(found.values()):
        for old in chain.archived:
            found.setdefault(old.name, old)
            found.setdefault(old.path, old)
    return found


def _dialect(item: Any, case: Case | None) -> str:
    """Return the dialect of a side, as far as it is known before it is read; a chain has that of the case's environments."""
    if isinstance(item, Environment):
        return dialect_of(item.spec.address) if item.spec.address else item.evidence.dialect or ""
    if isinstance(item, SnapshotView | Snapshot):
        return (item.record if isinstance(item, SnapshotView) else item).dialect
    if isinstance(item, Side):
        return item.snapshot.dialect
    if isinstance(item, ChainView | Chain):
        return ""
    text = str(item)
    if text.startswith("snapshot:"):
        return _snapshot(text.partition(":")[2]).snapshot.dialect
    if text.startswith("chain:"):
        return ""
    if case is not None and text in case:
        return _dialect(case[text], case)
    return dialect_of(text)


def chain_dialect(chain: Chain, case: Case | None = None) -> str:
    """Return the dialect to replay a chain on: its driver's, that of the case's environments, or what its texts need."""
    return (
        _DRIVERS.get(chain.hints.driver, "")
        or next(_of_case(case, chain), "")
        or ("postgresql" if any(_POSTGRESQL.search(item.content.text) for item in chain.migrations) else "sqlite")
    )


def _of_case(case: Case | None, chain: Chain) -> Iterator[str]:
    """Yield the dialects of a case's environments, first of those that follow this very chain."""
    items = case.environments if case is not None else ()
    for item in sorted(items, key=lambda item: item.spec.chain != chain.name):
        found = _dialect(item, case)
        if found in ("sqlite", "postgresql"):
            yield found


__all__ = ["chain_dialect", "compare_two", "side"]
