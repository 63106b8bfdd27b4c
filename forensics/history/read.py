"""The trackers of a database -> `History`: the one that belongs to the chain first, then every other one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.adapters import Adapter, adapters
from forensics.adapters.numbered import APPLIED, LOOSE_VERSION, VERSION
from forensics.clock import instant
from forensics.errors import AcquisitionError
from forensics.history.assignment import RowMatch, assign, recorded
from forensics.history.spelling import Spelling
from forensics.model import Applied, Chain, History

if TYPE_CHECKING:
    from forensics.catalogs.reader import Reader

_FAILED = frozenset({"0", "false", "f", "no", "failed", "failure", "fail", "error", "errored", "running", "started",
                     "pending", "dirty", "in_progress", "rolled_back", "rolled back", "aborted"})  # fmt: skip
_EXTRA = frozenset({
    "id", "name", "title", "key", "rank", "sequence", "execution_time", "execution_time_ms", "execution_ms",
    "duration", "duration_ms", "elapsed", "elapsed_ms", "batch", "applied_by", "executed_by", "installed_by", "run_by",
    "actor", "user", "username", "author", "hostname", "host", "error", "error_message", "type", "direction",
    "rolled_back_at", "rollback_sql", "updated_at", "started_at",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A table that may be a tracker. ``usual``: its name speaks for it; ``strict``: all its columns do too."""

    adapter: Adapter
    table: str
    present: Sequence[str]
    columns: Mapping[str, str]
    score: int
    usual: bool
    strict: bool


def read_histories(
    reader: Reader, chain: Chain | None, *, zone: str = "UTC", tracker: Mapping[str, str] | None = None
) -> tuple[History, ...]:
    """Return what the trackers of a database say, the chain's own first (an ``absent`` one where it has none).

    Only tables that look like a tracker by name and columns are read. The tracker of a home-grown manager counts where
    the files of the chain, or of an archived one, confirm it: its versions are their numbers or names; an empty one,
    or one that knows only strange versions, needs a table that is a tracker in name and every column. ``tracker``
    (``table`` and columns by field) tells it outright. A table that cannot be read gives ``unreadable``.
    Versions are spelled as the files spell them.
    """
    tables = reader.columns()
    spelling = Spelling.of(chain)
    candidates = list(_candidates(tables, chain))
    own: History | None = None
    if chain is not None:
        if tracker and tracker.get("table"):
            own = _told(reader, chain, tables, tracker, spelling, zone)
        elif chain.tool in adapters():  # of a chain that could not be read nothing can be said to be missing
            own = _own(reader, chain, candidates, spelling, zone)
    others = []
    for item in candidates:
        is_own = own is not None and own.table is not None and item.table.casefold() == own.table.casefold()
        if item.strict and not is_own:
            tool = None if item.adapter.guessed else item.adapter.name
            found = _read(reader, item, Spelling.of(None), zone, tool=tool)
            if not item.adapter.guessed or _plausible(found, item):
                others.append(found)
    return tuple(([own] if own else []) + sorted(others, key=lambda item: (item.table or "").casefold()))


def _candidates(tables: Mapping[str, Sequence[str]], chain: Chain | None) -> Iterator[Candidate]:
    for adapter in adapters().values():
        named = chain.hints.version_table if chain and chain.tool == adapter.name else ""
        for table, score in adapter.recognises(tables).items():
            columns = adapter.columns(tables[table])
            told = bool(named) and _means(named, table)
            usual = told or bool(re.fullmatch(adapter.tables, _bare(table))) or _bare(table) == adapter.table
            if not adapter.guessed:
                exact = len(tables[table]) == len(adapter.requires)
                if usual or exact:
                    yield Candidate(
                        adapter=adapter,
                        table=table,
                        present=tables[table],
                        columns=columns,
                        score=score + 4 * usual + 8 * told,
                        usual=usual,
                        strict=usual,
                    )
                continue
            guess = _guess(adapter, table, tables[table], columns, usual=usual)
            if guess is not None:
                yield guess


def _bare(table: str) -> str:
    """Return the name of a table without its schema, case-folded."""
    return table.rpartition(".")[2].strip('"').casefold()


def _means(named: str, table: str) -> bool:
    """Whether a name, with or without a schema, means a table. Where either has no schema the name alone counts."""
    one, other = named.replace('"', "").casefold(), table.replace('"', "").casefold()
    return one == other or (_bare(one) == _bare(other) and ("." not in one or "." not in other))


def _guess(
    adapter: Adapter, table: str, present: Sequence[str], columns: Mapping[str, str], *, usual: bool
) -> Candidate | None:
    names = {column.casefold() for column in present}
    if "version" not in columns or ("recorded_at" not in columns and not usual):
        return None
    known = _EXTRA.union(*(source for source in adapter.fields.values() if isinstance(source, tuple)))
    clear = bool(names.intersection(VERSION)) and bool(names.intersection(APPLIED))
    familiar = names <= known
    if not ((familiar and (usual or clear)) or (usual and clear)):
        return None
    distinct = bool(names.intersection(VERSION)) or bool(names.intersection(APPLIED))
    score = 4 * usual + 2 * familiar + clear + ("checksum" in columns) + ("description" in columns)
    return Candidate(
        adapter=adapter,
        table=table,
        present=present,
        columns=columns,
        score=score,
        usual=usual,
        strict=usual and familiar and distinct,
    )


def _own(reader: Reader, chain: Chain, candidates: Sequence[Candidate], spelling: Spelling, zone: str) -> History:
    best: tuple[tuple[float, ...], History] | None = None
    named = chain.hints.version_table
    for item in candidates:
        if item.adapter.name != chain.tool or (named and not _means(named, item.table)):
            continue
        history = _read(reader, _confirmed(reader, item, spelling), spelling, zone, tool=chain.tool)
        if _only_head(item, history, chain):
            history = replace(history, keeps="head")
        known = sum(spelling.knows(version) for version in history.versions)
        if item.adapter.guessed:
            sure = known > 0 and 2 * known >= len(history.rows) and (item.usual or spelling.telling(history))
            if not sure and not (item.strict and _plausible(history, item)):
                continue
        rank = (known > 0, item.score, known)
        if best is None or rank > best[0]:
            best = (rank, history)
    if best is not None:
        return best[1]
    adapter = adapters().get(chain.tool)
    return History(tool=chain.tool, table=None, state="absent", keeps=adapter.keeps if adapter else "rows")


def _only_head(item: Candidate, history: History, chain: Chain) -> bool:
    # One row, no time, and not the first version: such a table is overwritten at every step (`version = 7`).
    alone = len(history.rows) == 1 and "recorded_at" not in item.columns
    return alone and item.adapter.guessed and history.versions[0] not in {chain.label(name) for name in chain.bases}


def _confirmed(reader: Reader, item: Candidate, spelling: Spelling) -> Candidate:
    """Return the candidate with the version column that the files confirm best; some trackers have several."""
    if not item.adapter.guessed:
        return item
    columns = {column.casefold(): column for column in item.present}
    options = [columns[name] for name in VERSION + LOOSE_VERSION if name in columns]
    if len(options) < 2:
        return item
    try:
        rows = reader.fetch(item.table, options)
    except (AcquisitionError, sqlite3.Error, OSError):
        return item

    def confirmed(name: str) -> int:
        # A row's own number equals some file's by accident: where a column is not called a version, only text counts.
        values = [row.get(name) for row in rows]
        loose = name.casefold() in LOOSE_VERSION
        return sum(spelling.resolve(value)[1] for value in values if isinstance(value, str) or not loose)

    best = max(options, key=confirmed)
    if not confirmed(best):
        return item
    return replace(item, columns={**item.columns, "version": best})


def _told(
    reader: Reader,
    chain: Chain,
    tables: Mapping[str, Sequence[str]],
    tracker: Mapping[str, str],
    spelling: Spelling,
    zone: str,
) -> History:
    adapter = adapters().get(chain.tool) or adapters()["numbered"]
    wanted = tracker["table"]
    table = next((name for name in tables if name.casefold() == wanted.casefold()), None)
    table = table or next((name for name in tables if _means(wanted, name)), None)
    if table is None:
        return History(tool=chain.tool, table=wanted, state="absent", keeps=adapter.keeps)
    present = {column.casefold(): column for column in tables[table]}
    columns = dict(adapter.columns(tables[table]))
    for field, column in tracker.items():
        if field != "table":
            name = "recorded_at" if field == "applied_at" else field
            if column.casefold() not in present:
                return _broken(
                    chain.tool,
                    table,
                    adapter,
                    f"The case file names the column {column}, but {table} has {', '.join(tables[table])}",
                )
            columns[name] = present[column.casefold()]
    if "version" not in columns:
        return _broken(
            chain.tool,
            table,
            adapter,
            f"No column of {table} looks like a version; name it as tracker.version in the case file",
        )
    item = Candidate(
        adapter=adapter, table=table, present=tables[table], columns=columns, score=0, usual=True, strict=True
    )
    if "version" not in tracker:
        item = _confirmed(reader, item, spelling)
    return _read(reader, item, spelling, zone, tool=chain.tool)


def _read(reader: Reader, item: Candidate, spelling: Spelling, zone: str, *, tool: str | None) -> History:
    adapter, columns = item.adapter, item.columns
    present = {column.casefold(): column for column in item.present}
    order = next((present[name] for name in adapter.order if name in present), None)
    wanted = list(dict.fromkeys([*columns.values(), *([order] if order else [])]))
    try:
        fetched = reader.fetch(item.table, wanted)
    except (AcquisitionError, sqlite3.Error, OSError) as error:
        said = f"{item.table} cannot be read: {str(error).removeprefix(f'{item.table} cannot be read: ')}"
        return _broken(tool, item.table, adapter, said)
    rows = [row for row in fetched if adapter.where(row)]
    numbered = order is not None and all(isinstance(row.get(order), int) for row in rows)
    if order and numbered:
        rows.sort(key=lambda row: int(str(row[order])))
    applied, zones = [], set()
    for place, row in enumerate(rows, start=1):
        raw = row.get(columns["version"])
        moment = instant(row.get(columns.get("recorded_at", "")), zone)
        if moment is not None and moment.assumed:
            zones.add(moment.assumed)
        row_id = row.get(order) if order and numbered else row.get("rowid")
        applied.append(
            Applied(
                version=spelling.resolve(raw)[0],
                order=place,
                recorded_at=moment.at if moment else None,
                description=_text(row.get(columns.get("description", ""))),
                checksum=_text(row.get(columns.get("checksum", ""))),
                success=_text(row.get(columns.get("success", ""))).casefold() not in _FAILED,
                row_id=row_id if isinstance(row_id, int) else None,
                ref=f"{item.table}.{columns['version']}={_text(raw)}",
            )
        )
    return History(
        tool=tool,
        table=item.table,
        state="present" if applied else "empty",
        keeps=adapter.keeps,
        rows=tuple(applied),
        assumed_zone=", ".join(sorted(zones)),
    )


def _plausible(history: History, item: Candidate) -> bool:
    # A table that is a tracker in name and columns may be empty or know strange versions; one with a mere `name`
    # column must at least hold names that look like migrations, or it is somebody's table of birds.
    if history.state != "present":
        return True
    if item.columns["version"].casefold() not in LOOSE_VERSION:
        return True
    return all(re.match(r"[\W_vV]*\d", version) for version in history.versions)


def _broken(tool: str | None, table: str, adapter: Adapter, problem: str) -> History:
    return History(tool=tool, table=table, state="unreadable", keeps=adapter.keeps, problem=problem)


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return "" if value is None else str(value)


__all__ = ["RowMatch", "assign", "read_histories", "recorded"]
