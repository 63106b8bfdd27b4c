"""The only place that opens a connection to an environment, and it opens it for reading.

What it gives holds neither a connection nor a credential, so everything to the right of it can be stored and shown. An
environment that cannot be read is an `Evidence` that says why and what to do; nothing is raised for it.
"""

from __future__ import annotations

import glob
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from forensics.acquire import files
from forensics.acquire.address import database_file, dialect_of
from forensics.acquire.other import INSPECTED, open_inspector
from forensics.acquire.postgresql import OpenedServer, with_postgresql
from forensics.acquire.sqlite import Opened, locate, open_sqlite, opened, state_of
from forensics.acquire.store import load, saved, store
from forensics.acquire.trouble import in_words
from forensics.case.spec import CaseFile, ChainSpec, EnvironmentSpec
from forensics.catalogs.reader import Reader
from forensics.errors import AcquisitionError, DatabaseUnreadable, ForensicsError
from forensics.model import Chain, Event, Evidence, Exhibit, History, Observation, Snapshot, Writers, digest, encode
from forensics.redact import redact_text

__all__ = ["acquire", "database_file", "fingerprint", "load", "locate_database", "open_sqlite", "store"]

_VALUE = 200  # characters of a criterion's value that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was read of one database."""

    snapshot: Snapshot | None = None
    histories: tuple[History, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    observations: tuple[Observation, ...] = ()
    problem: str = ""
    remedy: str = ""
    missing: bool = field(default=False)
    writers: Writers | None = None


def acquire(spec: EnvironmentSpec, case: CaseFile, chain: Chain | None = None) -> Evidence:
    """Read one environment: its schema, its trackers, its logs, and what people said about it.

    Read-only: no byte in or beside the database changes. Saved evidence (``evidence`` in the case file) is loaded in
    place of a database. Whatever fails gives evidence of ``state`` ``unreadable`` with ``problem`` and ``remedy``; the
    logs are read even then. ``chain`` lets a tracker be recognised by its files.
    """
    if spec.evidence is not None:
        return saved(spec, spec.evidence)
    found = _database(spec, case, chain)
    wanted = [item.subject for item in case.criteria_of(spec.name) if item.kind == "log_silent"]
    logs, exhibits, looked = _logs(spec, len(found.exhibits), wanted)
    human = tuple(item for item in case.events if item.environment in ("", spec.name))
    return Evidence(
        environment=spec.name,
        url=spec.url,
        dialect=dialect_of(spec.address) if spec.address else None,
        state="unreadable" if found.snapshot is None else "read" if found.snapshot.groups else "empty",
        problem=found.problem,
        remedy=found.remedy,
        snapshot=found.snapshot,
        histories=found.histories,
        events=(*logs, *human),
        exhibits=(*found.exhibits, *exhibits),
        acquired_at=datetime.now(UTC).replace(microsecond=0),
        observations=(*found.observations, *looked),
        writers=found.writers,
    )


def fingerprint(spec: EnvironmentSpec) -> str:
    """Return a digest that is the same while the database and the logs of an environment are the same, or ``""``.

    It costs a few ``stat`` calls and the header of each file. A file that changed within the last two seconds gives
    ``""``: it could change again without showing it, as the clocks of file systems are coarse.
    """
    if spec.evidence is not None or spec.problem:
        return ""
    try:
        state = state_of(locate(database_file(spec.address, spec.root), spec.name))
        logs = [(str(path), files.stamp(path)) for path in _log_files(spec)]
        stamps = [item for item in (state.database, state.journal, state.wal, *(mark for _, mark in logs)) if item]
        if any(abs(datetime.now().timestamp() * 1e9 - mark[3]) < 2e9 for mark in stamps):
            return ""
    except (ForensicsError, OSError):
        return ""
    parts = [state.database, state.header.hex(), state.journal, state.journal_header.hex(), state.wal]
    return digest([*parts, state.wal_header.hex(), logs])


def locate_database(spec: EnvironmentSpec) -> Path:
    """Return the file of an environment. Raises `DatabaseMissing` or `DatabaseUnreadable`, as `open_sqlite` does."""
    return locate(database_file(spec.address, spec.root), _shown(spec))


def _database(spec: EnvironmentSpec, case: CaseFile, chain: Chain | None) -> _Read:
    if spec.problem:
        return _Read(problem=spec.problem, remedy=spec.remedy)
    shown = _shown(spec)
    dialect = dialect_of(spec.address)
    try:
        if dialect == "postgresql":
            return with_postgresql(
                spec.address, lambda found: _attested(found, spec, case, chain), name=shown
            )
        if dialect != "sqlite":
            with open_inspector(spec.address, name=shown) as reader:
                return _server(reader, INSPECTED, spec, case, chain)
        path = database_file(spec.address, spec.root)
        with opened(path, name=shown, hashes=True) as found:
            return _contents(found, spec, case, chain, _relative(path, spec.root))
    except AcquisitionError as error:
        # A reader does not know how people call the file; the error of SQLite below it does not need to.
        if isinstance(error.__cause__, sqlite3.Error):
            error = in_words(error.__cause__, shown)
        return _Read(problem=redact_text(error.what, spec.secrets), remedy=redact_text(error.remedy, spec.secrets))


def _contents(found: Opened, spec: EnvironmentSpec, case: CaseFile, chain: Chain | None, name: str) -> _Read:
    from forensics.catalogs.sqlite import MASTER_SQL, SqliteReader

    exhibits = [
        Exhibit(
            ref="", name=name + part.suffix, kind="database", sha256=part.sha256, size=part.size, how=found.how
        )
        for part in found.files
    ]  # fmt: skip
    reader = SqliteReader(found.connection)
    snapshot = reader.snapshot()
    texts = [[group.name, *group.source] for group in snapshot.groups]
    exhibits.append(
        Exhibit(
            ref="", name="sqlite_master", kind="schema", sha256=digest(texts), size=len(list(snapshot.objects)),
            how=MASTER_SQL,
        )
    )  # fmt: skip
    return _read(reader, exhibits, spec, case, chain)


def _attested(found: OpenedServer, spec: EnvironmentSpec, case: CaseFile, chain: Chain | None) -> _Read:
    read = _server(found.reader, found.how, spec, case, chain)
    return replace(read, writers=found.writers(read.histories))


def _server(reader: Reader, how: str, spec: EnvironmentSpec, case: CaseFile, chain: Chain | None) -> _Read:
    snapshot = reader.snapshot()
    facts = dict(snapshot.facts)
    notes = [how, f"{snapshot.dialect} {snapshot.server_version}"]
    if facts.get("standby"):
        notes.append("a standby")
    closed = facts.get("schemas without access")
    if closed:
        notes.append(f"the definitions of schema {closed} are read, its rows may not be: grant USAGE on it to the user")
    if facts.get("not compared"):
        notes.append(f"not compared: {facts['not compared']}")
    exhibits = [
        Exhibit(ref="", name=spec.url or spec.name, kind="database", how="; ".join(notes)),
        Exhibit(
            ref="", name="pg_catalog" if snapshot.dialect == "postgresql" else "schema", kind="schema",
            sha256=digest([[group.name, group.trace] for group in snapshot.groups]),
            size=len(list(snapshot.objects)),
            how="queries of the system catalogue in that transaction",
        ),
    ]  # fmt: skip
    return _read(reader, exhibits, spec, case, chain)


def _read(
    reader: Reader, exhibits: list[Exhibit], spec: EnvironmentSpec, case: CaseFile, chain: Chain | None
) -> _Read:
    """Read the trackers of a database, and number what was read of it."""
    from forensics.history.read import read_histories

    tracker = dict(_chain_spec(spec, case).tracker)
    read = read_histories(reader, chain, zone=spec.zones.tracker, tracker=tracker or None)
    histories = tuple(_without_secrets(item) for item in read)
    for history in histories:
        if history.table:
            exhibits.append(
                Exhibit(
                    ref="", name=history.table, kind="tracker", sha256=digest(encode(history)),
                    size=len(history.rows), how="SELECT in the same transaction",
                )
            )  # fmt: skip
    snapshot = reader.snapshot()
    asked = tuple(_asked(reader, item.subject, spec) for item in case.criteria_of(spec.name) if item.kind == "query")
    for item in asked:
        if not item.problem:
            exhibits.append(
                Exhibit(ref="", name="a criterion's query", kind="value", sha256=item.sha256, size=1,
                        how=f"SELECT in the same transaction, for its one value: {item.subject}")
            )  # fmt: skip
    numbered = tuple(replace(item, ref=f"E{number:03d}") for number, item in enumerate(exhibits, 1))
    return _Read(snapshot=snapshot, histories=histories, exhibits=numbered, observations=asked)


def _asked(reader: Reader, query: str, spec: EnvironmentSpec) -> Observation:
    """Return the one value that a criterion's query gives: redacted and cut, with the hash of the whole."""
    shown = redact_text(query, spec.secrets)
    try:
        value = reader.ask(query)
    except DatabaseUnreadable as error:
        return Observation(kind="query", subject=shown, problem=redact_text(error.what, spec.secrets))
    return Observation(
        kind="query", subject=shown, value=redact_text(value, spec.secrets)[:_VALUE],
        sha256=hashlib.sha256(value.strip().encode("utf-8", "surrogatepass")).hexdigest(),
    )  # fmt: skip


def _without_secrets(history: History) -> History:
    """Return what a tracker says with the secrets masked that somebody wrote into a description."""
    rows = tuple(replace(row, description=redact_text(row.description)) for row in history.rows)
    return replace(history, rows=rows, problem=redact_text(history.problem))


def _chain_spec(spec: EnvironmentSpec, case: CaseFile) -> ChainSpec:
    return case.chain(spec.chain)


def _logs(
    spec: EnvironmentSpec, taken: int, wanted: Sequence[str]
) -> tuple[tuple[Event, ...], tuple[Exhibit, ...], tuple[Observation, ...]]:
    from forensics.events import read_logs
    from forensics.logs import sift
    from forensics.logs.watch import Watch

    paths = list(_log_files(spec))
    watch = Watch(wanted) if wanted and paths else None
    events = sift(read_logs(paths, zone=spec.zones.logs, environment=spec.name, base=spec.root, watch=watch))
    exhibits = [_log_exhibit(path, spec.root) for path in paths]
    for pattern in spec.logs:
        if not any(_matches(spec, pattern)):
            exhibits.append(Exhibit(ref="", name=pattern, kind="log", how="no file has this name"))
    numbered = (replace(item, ref=f"E{taken + number:03d}") for number, item in enumerate(exhibits, 1))
    return events, tuple(numbered), watch.found() if watch is not None else ()


def _log_exhibit(path: Path, root: Path) -> Exhibit:
    name = _relative(path, root)
    try:
        return Exhibit(
            ref="", name=name, kind="log", sha256=files.sha256(path), size=path.stat().st_size, how="read as text"
        )
    except OSError as error:
        return Exhibit(ref="", name=name, kind="log", how=f"could not be read: {error.strerror or error}")


def _log_files(spec: EnvironmentSpec) -> Iterator[Path]:
    return (spec.root / name for name in dict.fromkeys(name for item in spec.logs for name in _matches(spec, item)))


def _matches(spec: EnvironmentSpec, pattern: str) -> list[str]:
    # A name that is there is that file, whatever characters of a pattern are in it.
    if (spec.root / pattern).is_file():
        return [pattern]
    return sorted(name for name in glob.glob(pattern, root_dir=spec.root) if (spec.root / name).is_file())


def _shown(spec: EnvironmentSpec) -> str:
    return f"'{(spec.url or spec.name).removeprefix('sqlite:///')}'"


def _relative(path: Path, root: Path) -> str:
    """Return a path as reports may show it: below the case's folder, else the name alone."""
    full = os.path.normpath(path)
    base = os.path.normpath(root)
    return Path(os.path.relpath(full, base)).as_posix() if full.startswith(base + os.sep) else path.name
