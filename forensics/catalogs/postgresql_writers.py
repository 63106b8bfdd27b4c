"""Which transaction wrote the catalogue of PostgreSQL 13 to 18, and the rows of a tracker.

A relation's birth is read from the rows of its system columns, which nothing ever writes again: `pg_class` is written anew by
ADD COLUMN, GRANT, REINDEX and VACUUM FULL, the row of a column by whatever alters it. Freezing leaves ``xmin`` legible (since
9.4). The command within the transaction is legible only while no later transaction, not even one that was rolled back, has touched
the row (``xmax`` = 0). A table's rewrite clears the stored default of an added column and so writes the column's row: the
row of its default says then when it was added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from forensics.catalogs.postgresql_names import parts, spell
from forensics.catalogs.postgresql_sql import FIRST
from forensics.model.writers import Moment, RowWritten, Writers, Written

Ask = Callable[[str], list[Any]]
Raw = tuple[int, int]

# The first number that is a transaction's own: 1 made the system, 2 stands for "long ago" in databases of before 9.4.
_FIRST_NORMAL = 3
_TURN = 1 << 32

_SERVER = (
    "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, current_setting('track_commit_timestamp') = 'on'"
)


# The births are those of what has columns of the system: tables, sequences, materialised views. What has none was written when it
# was last defined. Raw numbers: to turn them into others costs the server more than to find them.
def _moment(alias: str) -> str:
    return f"{alias}.xmin, {alias}.cmin, {alias}.xmax"


_BIRTHS = f"""SELECT what, array_agg(oid)::text, array_agg(x)::text, array_agg(c)::text, array_agg(z)::text FROM (
  SELECT 'born', a.attrelid, {_moment('a')} FROM pg_attribute a WHERE a.attnum = -1 AND a.attrelid >= {FIRST}
  UNION ALL SELECT 'key', k.conrelid, {_moment('k')} FROM pg_constraint k WHERE k.contype = 'p' AND k.conrelid >= {FIRST}
  UNION ALL SELECT 'born', r.ev_class, {_moment('r')} FROM pg_rewrite r WHERE r.ev_class >= {FIRST} AND r.rulename = '_RETURN'
  UNION ALL SELECT 'born', t.oid, {_moment('t')} FROM pg_type t WHERE t.oid >= {FIRST} AND t.typtype IN ('e', 'd', 'r')
  UNION ALL SELECT 'born', c.reltype, {_moment('c')} FROM pg_class c WHERE c.oid >= {FIRST} AND c.relkind = 'c'
  UNION ALL SELECT 'born', p.oid, {_moment('p')} FROM pg_proc p WHERE p.oid >= {FIRST}) AS w(what, oid, x, c, z) GROUP BY what"""

# What was written in another transaction than its table, or by another command of the same one. A default is written into the
# column's row by the next command, also within CREATE TABLE: such a row is left out while it is of the same transaction.
_APART = f"""WITH born AS MATERIALIZED (
    SELECT attrelid AS oid, xmin AS x, cmin AS c, xmax AS z FROM pg_attribute WHERE attnum = -1 AND attrelid >= {FIRST}),
  late AS MATERIALIZED (SELECT a.* FROM born b JOIN (SELECT attrelid, attname, attnum, attisdropped, atthasdef,
    attidentity, xmin, cmin, xmax FROM pg_attribute WHERE attnum > 0 AND attrelid >= {FIRST}) a ON a.attrelid = b.oid
    WHERE a.attisdropped OR a.xmin <> b.x
    OR (NOT a.atthasdef AND a.attidentity = '' AND NOT a.cmin = b.c AND a.xmax = 0 AND b.z = 0)),
  later AS MATERIALIZED (SELECT i.indexrelid, i.indrelid FROM born b JOIN pg_index i ON i.indrelid = b.oid
    WHERE i.xmin <> b.x AND NOT i.indisprimary)
  SELECT CASE WHEN a.attisdropped THEN 'dropped' ELSE 'column' END, a.attrelid, a.attname, a.attnum,
    {_moment('a')}, {_moment('d')}
    FROM late a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  UNION ALL SELECT 'constraint', k.conrelid, k.conname, 0, {_moment('k')}, NULL, NULL, NULL
    FROM born b JOIN pg_constraint k ON k.conrelid = b.oid WHERE k.contype NOT IN ('p', 'n') AND k.xmin <> b.x
  UNION ALL SELECT 'index', i.indrelid, c.relname, 0, {_moment('a')}, NULL, NULL, NULL
    FROM later i JOIN born b ON b.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = 1
    JOIN pg_class c ON c.oid = i.indexrelid WHERE a.xmin <> b.x
  UNION ALL SELECT 'trigger', t.tgrelid, t.tgname, 0, {_moment('t')}, NULL, NULL, NULL
    FROM born b JOIN pg_trigger t ON t.tgrelid = b.oid WHERE NOT t.tgisinternal AND t.xmin <> b.x
  UNION ALL SELECT 'label', e.enumtypid, e.enumlabel, 0, {_moment('e')}, NULL, NULL, NULL
    FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE e.xmin <> t.xmin"""


@dataclass
class _Group:
    born: Raw | None = None
    key: Raw | None = None
    apart: list[tuple[str, str, Raw]] = field(default_factory=list)
    dropped: list[tuple[int, Raw]] = field(default_factory=list)


def read_writers(
    ask: Ask, groups: Mapping[int, str], trackers: Iterable[tuple[str, str, Sequence[str]]] = ()
) -> Writers:
    """Return which transactions wrote the groups (name by object identifier) and the trackers' rows.

    It takes three queries, one more for each tracker (table, column of the version, reference of each row), and one where the server
    keeps the times of commits. The caller sees to it that all run in one transaction with an empty ``search_path``. What the
    server refuses is raised as it comes.
    """
    upcoming, timed = ask(_SERVER)[0]
    found: dict[int, _Group] = {}
    first: dict[int, int] = {}
    illegible = 0
    for what, oid, *numbers in _births(ask):
        raw = _earlier(numbers, upcoming)
        if raw is not None and raw[1] >= 0:  # also of what belongs to a table: its sequence is made before it
            first[raw[0]] = min(raw[1], first.get(*raw))
        if oid in groups:
            illegible += raw is None
            own = found.setdefault(oid, _Group())
            if what == "key":
                own.key = raw
            else:
                own.born = raw
    for what, oid, name, number, *numbers in ask(_APART):
        group = found.get(oid)
        raw = _earlier(numbers, upcoming)
        if group is None or raw is None:
            illegible += group is not None
        elif what == "dropped":
            group.dropped.append((number, raw))
        else:
            group.apart.append((what, name, raw))
    rows: list[tuple[str, str, Raw]] = []
    for table, column, refs in trackers:
        schema, bare = parts(table)
        query = f"SELECT t.{spell(column)}, {_moment('t')} FROM {spell(schema)}.{spell(bare)} AS t ORDER BY t.ctid"
        for version, *numbers in ask(query):
            ref = f"{table}.{column}={'' if version is None else version}"
            raw = _earlier(numbers, upcoming)
            if raw is None:
                illegible += 1
            elif ref in refs:
                rows.append((table, ref, raw))
    for each in found.values():
        each.apart = [item for item in each.apart if not _of_birth(item, each)]
    order = _Order([raw for group in found.values() for raw in _of(group)] + [raw for _, _, raw in rows])
    made = (_written(groups[oid], group, order) for oid, group in found.items() if group.born is not None)
    return Writers(
        groups=tuple(sorted(made, key=lambda item: item.name)),
        rows=tuple(RowWritten(table=table, ref=ref, at=order(raw)) for table, ref, raw in rows),
        first=tuple(first.get(writer, -1) for writer in order.transactions),
        committed=_times(ask, order.transactions) if timed else (),
        wrapped=upcoming >= _TURN,
        illegible=illegible,
    )


def _births(ask: Ask) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield what `_BIRTHS` gives, line by line: thousands of lines in two rows are read in a fraction of the time."""
    for what, *texts in ask(_BIRTHS):
        for oid, writer, command, touched in zip(*(map(int, text[1:-1].split(",")) for text in texts), strict=True):
            yield what, oid, writer, command, touched


def _earlier(numbers: Sequence[Any], upcoming: int) -> Raw | None:
    """Return the earlier of the given writers (``xmin``, ``cmin``, ``xmax`` of each), counted on over the turns of 32 bits."""
    found = None
    for at in range(0, len(numbers), 3):
        writer, command, touched = numbers[at : at + 3]
        if writer is not None and int(writer) >= _FIRST_NORMAL:
            raw = (upcoming - (upcoming - int(writer)) % _TURN, int(command) if int(touched) == 0 else -1)
            found = raw if found is None else min(found, raw)
    return found


def _of_birth(item: tuple[str, str, Raw], group: _Group) -> bool:
    """Whether CREATE TABLE itself wrote a column's row again: it does so for a default, before it makes the primary key."""
    what, _, (writer, command) = item
    return what == "column" and group.key is not None and group.key[0] == writer and command < group.key[1]


def _of(group: _Group) -> list[Raw]:
    own = [item for item in (group.born, group.key) if item is not None]
    return [*own, *(raw for _, _, raw in group.apart), *(raw for _, raw in group.dropped)]


class _Order:
    """Numbers of transactions as their places in the order."""

    def __init__(self, found: Iterable[Raw]) -> None:
        self.transactions = sorted({writer for writer, _ in found})
        self._places = {writer: at for at, writer in enumerate(self.transactions, 1)}

    def __call__(self, raw: Raw) -> Moment:
        return self._places[raw[0]], raw[1]


def _written(name: str, group: _Group, order: _Order) -> Written:
    assert group.born is not None
    return Written(
        name=name,
        at=order(group.born),
        key=order(group.key) if group.key is not None else None,
        apart=tuple(sorted((what, own, *order(raw)) for what, own, raw in group.apart)),
        dropped=tuple(sorted((number, *order(raw)) for number, raw in group.dropped)),
    )


def _times(ask: Ask, transactions: Sequence[int]) -> tuple[datetime | None, ...]:
    if not transactions:
        return ()
    numbers = ",".join(str(item % _TURN) for item in transactions)
    query = (
        "SELECT pg_xact_commit_timestamp(w.n::text::xid) FROM unnest('{" + numbers + "}'::bigint[])"
        " WITH ORDINALITY AS w(n, place) ORDER BY w.place"
    )
    return tuple(row[0] for row in ask(query))
