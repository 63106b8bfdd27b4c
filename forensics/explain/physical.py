"""What the numbers of transactions say: what was written together, what came first, and when nothing follows from it.

A tool of migrations writes its row in the transaction of (at least) its last migration, and makes its own table before the first. So tables
that are older than the tracker's own table were made by something else: the tracker was there before whatever a
migration made. A row that is newer than everything proves nothing: it may have been written again by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from forensics.model import History, Moment, SchemaObject, Writers, Written

RESTORED = "the primary keys were written after the tables and their rows, as a restored dump (or REINDEX CONCURRENTLY) leaves them"
OLDER = "rows of the tracker are older than its own table, as pg_upgrade leaves them"
WRAPPED = "more than 2^32 transactions have run on this server, so that their order is not certain"

_RULES = ("primary_key", "unique", "foreign_key", "check")


@dataclass(frozen=True)
class Physical:
    """The writers of one database, with the table of its tracker; ``void`` says why nothing follows from them.

    ``recorded_in`` are the transactions that wrote the rows of each migration, where the tracker keeps a row for each.
    """

    writers: Writers
    table: str
    void: str = ""
    recorded_in: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def speaks(self) -> bool:
        """Whether anything may be concluded."""
        return not self.void

    @cached_property
    def tracker(self) -> Written | None:
        """When the tracker's own table was made."""
        return self.writers.by_name.get(self.table.casefold())

    @cached_property
    def rows(self) -> Mapping[str, Moment]:
        """When each row of the tracker was last written, by its reference."""
        return {item.ref: item.at for item in self.writers.rows if item.table.casefold() == self.table.casefold()}

    @cached_property
    def recording(self) -> frozenset[int]:
        """The transactions that wrote the tracker: its rows, and its table together with them."""
        own = {moment[0] for moment in self.rows.values()}
        return frozenset(own | ({self.tracker.at[0]} if self.tracker is not None else set()))

    @cached_property
    def _apart(self) -> Mapping[tuple[str, str, str], Moment]:
        return {
            (group.name.casefold(), what, name): (writer, command)
            for group in self.writers.groups
            for what, name, writer, command in group.apart
        }

    def born(self, group: str) -> Moment | None:
        """Return when a group's relation was made, or None where that is not legible."""
        found = self.writers.by_name.get(group.casefold())
        return found.at if found is not None else None

    def wrote(self, item: SchemaObject) -> Moment | None:
        """Return when an object was last written, or None where that is not legible."""
        group = self.writers.by_name.get((item.table or item.name).casefold())
        if group is None or item.table is None:
            return group.at if group is not None else None
        if item.kind == "primary_key":
            return group.key or group.at
        kinds = ("constraint", "index") if item.kind in _RULES else (item.kind,)
        found = (self._apart.get((group.name.casefold(), kind, item.name)) for kind in kinds)
        return next((moment for moment in found if moment is not None), group.at)

    def dropped(self, group: str) -> int | None:
        """Return how many columns a table has lost since it was made."""
        found = self.writers.by_name.get(group.casefold())
        return len(found.dropped) if found is not None else None

    def whole(self, group: str, columns: Iterable[str]) -> bool:
        """Whether these columns are as CREATE TABLE made them, and none was dropped while there was no tracker yet."""
        found = self.writers.by_name.get(group.casefold())
        if found is None or self.tracker is None:
            return False
        apart = {name for what, name, *_ in found.apart if what == "column"}
        gone = any(_before((writer, command), self.tracker.at) for _, writer, command in found.dropped)
        return not gone and apart.isdisjoint(columns)

    def before_tracker(self, groups: Iterable[str]) -> bool:
        """Whether all of these groups were made before the tracker's own table was."""
        if not self.speaks or self.tracker is None:
            return False
        births = [self.born(name) for name in groups]
        return bool(births) and all(_before(moment, self.tracker.at) for moment in births)

    def together(self, groups: Iterable[str]) -> int:
        """Return the one transaction that made all of these groups, or 0."""
        made = {moment[0] if moment is not None else 0 for moment in map(self.born, groups)}
        return made.pop() if self.speaks and len(made) == 1 else 0

    def strange(self, migration: str, made: Mapping[str, Iterable[SchemaObject]]) -> bool:
        """Whether something else made what this migration should have (``made`` by each one): the tracker's transactions say so.

        Either all of it is older than the tracker's table. Or the tracker keeps a row for each migration, some rows were written
        together with what their migrations made, and this one's was not, while it was all made together with what another
        should have made.
        """
        if not self.speaks or self.tracker is None:
            return False
        if all(_before(self.wrote(item), self.tracker.at) for item in made[migration]):
            return True
        own, others = self._of(made[migration]), [name for name in self.recorded_in if name in made and name != migration]
        if migration not in self.recorded_in or own & self.recording:
            return False
        with_others = any(own & self._of(made[name]) for name in others)
        return with_others and any(self.recorded_in[name] & self._of(made[name]) for name in others)

    def _of(self, items: Iterable[SchemaObject]) -> frozenset[int]:
        return frozenset(moment[0] for moment in map(self.wrote, items) if moment is not None)

    def opening(self, transaction: int) -> bool:
        """Whether a transaction made nothing that is gone before it made what is still there."""
        return 0 < transaction <= len(self.writers.first) and self.writers.first[transaction - 1] == 0

    def finished(self, items: Iterable[SchemaObject]) -> bool:
        """Whether one of these objects was written in a transaction that also wrote the tracker: what it began, it ended."""
        return self.speaks and any(moment is not None and moment[0] in self.recording for moment in map(self.wrote, items))

    def dated(self, transaction: int) -> str:
        """Return when a transaction was committed, as a text, where the server knows."""
        times = self.writers.committed
        moment = times[transaction - 1] if 0 < transaction <= len(times) else None
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else ""


def _before(one: Moment | None, other: Moment) -> bool:
    if one is None:
        return False
    return one[0] < other[0] or (one[0] == other[0] and -1 < one[1] < other[1])


def look(writers: Writers | None, history: History, refs: Mapping[str, Iterable[str]] | None = None) -> Physical | None:
    """Return the physical evidence of a database with its tracker, and whether it is void; None where there is none.

    ``refs`` are the references of the tracker's rows by migration; they say nothing of a tracker that keeps only the heads.
    """
    if writers is None or not writers.groups:
        return None
    found = Physical(writers=writers, table=history.table or "")
    own = {} if history.keeps == "head" else refs or {}
    rows = {name: frozenset(found.rows[ref][0] for ref in items if ref in found.rows) for name, items in own.items()}
    return replace(found, void=_void(found), recorded_in={name: items for name, items in rows.items() if items})


def _void(found: Physical) -> str:
    writers, tracker = found.writers, found.tracker
    if tracker is not None and any(_before(moment, tracker.at) for moment in found.rows.values()):
        return OLDER
    keyed = [item for item in writers.groups if item.key is not None]
    keys = [item.key for item in keyed if item.key is not None]
    if len(keyed) > 1 and _before(max(item.at for item in keyed), min(keys)):
        return RESTORED
    key = tracker.key if tracker is not None else None
    if key is not None and any(_before(moment, key) for moment in found.rows.values()):
        return RESTORED
    return WRAPPED if writers.wrapped else ""
