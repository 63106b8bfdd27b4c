"""Records as typed tables: one fixed set of columns and dtypes a kind, also where there is no row.

``SHAPES`` is the whole vocabulary: it says for each kind of frame which columns it has and of which dtype. Text is
``str``, whole numbers are ``Int64``, truth values ``boolean``, times ``datetime64[us, UTC]``; lists are text joined
with ``", "``. pandas is imported when the first frame is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from forensics.model import Snapshot, by_kind_of

if TYPE_CHECKING:
    import pandas as pd

    from forensics.model import Chain, Change, Event, Exhibit, History, SchemaObject

TEXT: Final = "str"
COUNT: Final = "Int64"
TRUTH: Final = "boolean"
REAL: Final = "Float64"
TIME: Final = "datetime64[us, UTC]"

Shape = Mapping[str, str]


def _shape(text: str, **other: str) -> Shape:
    """Return the columns named in ``text``: plain text, save those given a dtype of their own."""
    return {name: other.get(name, TEXT) for name in text.split()}


SHAPES: Final[Mapping[str, Shape]] = {
    "tables": _shape(
        "table columns without_rowid strict autoincrement module evidence",
        columns=COUNT, without_rowid=TRUTH, strict=TRUTH, autoincrement=TRUTH,
    ),
    "columns": _shape(
        "table column position type affinity notnull default collation generated evidence",
        position=COUNT, notnull=TRUTH,
    ),
    "primary_keys": _shape("table columns name evidence"),
    "foreign_keys": _shape(
        "table columns references_table references_columns on_update on_delete deferrable name evidence",
        deferrable=TRUTH,
    ),
    "uniques": _shape("table columns name evidence"),
    "checks": _shape("table expression name evidence"),
    "indexes": _shape("table name columns unique predicate evidence", unique=TRUTH),
    "views": _shape("name definition evidence"),
    "triggers": _shape("table name definition evidence"),
    "objects": _shape("kind table name ident meaning trace evidence"),
    "history": _shape(
        "version recorded_at order description checksum success row_id evidence",
        recorded_at=TIME, order=COUNT, success=TRUTH, row_id=COUNT,
    ),
    "chain": _shape(
        "id version name parents file language checksum md5 origin loadable problem",
        loadable=TRUTH,
    ),
    "findings": _shape(
        "id severity cause scope migrations objects summary confidence would_overturn remedy prevention origin "
        "contributing alternatives",
        confidence=REAL,
    ),
    "evidence": _shape("finding side source detail ref"),
    "migrations": _shape(
        "id version name file recorded recorded_at executed basis expected present absent superseded altered "
        "checksum origin",
        recorded=TRUTH, recorded_at=TIME, expected=COUNT, present=COUNT, absent=COUNT, superseded=COUNT, altered=COUNT,
    ),
    "story": _shape("step kind migration statements of origin objects ddl", step=COUNT, of=COUNT),
    "timeline": _shape(
        "at source actor message ref level assumed precision environment migration",
        at=TIME, precision=REAL,
    ),
    "matrix": _shape("migration version environment recorded executed basis", recorded=TRUTH),
    "differences": _shape("state kind table name attribute expected actual"),
    "comparison": _shape(
        "drift state kind table name attribute left right left_migration right_migration", drift=TRUTH
    ),
    "exhibits": _shape("ref name kind sha256 size how", size=COUNT),
    "environments": _shape(
        "environment state recorded executed partial findings critical reconstructed next_failure url",
        recorded=COUNT, executed=COUNT, partial=COUNT, findings=COUNT, critical=COUNT, reconstructed=TRUTH,
    ),
    "criteria": _shape("criterion kind subject met found evidence", met=TRUTH),
    "criteria_matrix": _shape("criterion kind subject environment met found", met=TRUTH),
    "groups": _shape("id cause migrations environments findings summary", findings=COUNT),
}  # fmt: skip


def frame(kind: str, rows: Iterable[Sequence[Any]] = (), *, evidence: str | None = None) -> pd.DataFrame:
    """Return the rows as a frame of this kind, in the order given.

    A row is a sequence in the order of ``SHAPES[kind]``; with ``evidence`` the rows lack their last column, which
    then holds that reference. None becomes the dtype's missing value, in text columns the empty string.
    """
    columns = list(zip(*rows, strict=True))
    return from_columns(kind, columns, evidence=evidence)


def from_columns(kind: str, columns: Sequence[Sequence[Any]], *, evidence: str | None = None) -> pd.DataFrame:
    """Return a frame of this kind from its columns, in the order of ``SHAPES[kind]``; none at all is no row."""
    import pandas as pd

    shape = SHAPES[kind]
    count = len(columns[0]) if columns else 0
    if not columns:
        columns = [()] * len(shape)
    elif evidence is not None:
        columns = [*columns, (evidence,) * count]
    pairs = zip(shape.items(), columns, strict=True)
    # Nobody else has these arrays, so they need not be copied.
    return pd.DataFrame({name: _array(values, dtype) for (name, dtype), values in pairs}, copy=False)


def _array(values: Sequence[Any], dtype: str) -> Any:
    import numpy as np
    import pandas as pd

    array: Any = pd.array
    if hasattr(values, "dtype"):
        return values
    if dtype == TEXT:
        kinds = set(map(type, values))
        if kinds == {type(None)}:
            values = [""] * len(values)
        elif kinds == {str, type(None)}:
            values = ["" if value is None else value for value in values]
        elif kinds != {str}:
            values = [value if type(value) is str else _text(value) for value in values]
        return array(values, dtype="str")
    if dtype == TIME:
        return pd.to_datetime(pd.Series(list(values), dtype="object"), utc=True, format="ISO8601").astype(TIME).array
    if dtype == TRUTH and set(map(type, values)) == {bool}:
        return array(np.array(values, dtype=bool), dtype="boolean")
    return array(list(values), dtype=dtype)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def schema(kind: str, objects: Snapshot | Iterable[SchemaObject], *, evidence: str = "") -> pd.DataFrame:
    """Return the objects of a snapshot as a frame: ``tables``, ``columns``, ``indexes`` ... or ``objects`` for all.

    Rows keep the order of the snapshot. ``evidence`` names the exhibit that the snapshot was read from.
    """
    columns: list[Sequence[Any]]
    if kind == "objects":
        items = list(objects.objects if isinstance(objects, Snapshot) else objects)
        columns = [list(map(attrgetter(name), items)) for name in ("kind", "table", "name", "ident")]
        columns += [[attributes(item.meaning) for item in items], [attributes(item.trace) for item in items]]
        return from_columns(kind, columns, evidence=evidence)
    by_kind = objects.by_kind if isinstance(objects, Snapshot) else by_kind_of(objects)
    wanted, own, described = _SOURCES[kind]
    chosen = by_kind.get(wanted, ())
    if not chosen:
        return from_columns(kind, ())
    columns = [list(map(attrgetter(name), chosen)) for name in own]
    if kind == "tables":
        counts = Counter(map(attrgetter("table"), by_kind.get("column", ())))
        columns.append([counts[item.name] for item in chosen])
    elif kind == "foreign_keys":
        columns += zip(*(_ends(item.ident) for item in chosen), strict=True)
    if described:
        columns += _described(chosen, described, SHAPES[kind])
    if "name" not in own:
        columns.append([item.name for item in chosen])
    return from_columns(kind, columns, evidence=evidence)


def _described(items: Sequence[SchemaObject], names: Sequence[str], shape: Shape) -> list[Any]:
    """Return the attributes of these names, one column each. Objects share their attributes, so each is read once."""
    import numpy as np

    meanings, traces = list(map(_MEANING, items)), list(map(_TRACE, items))
    places: dict[tuple[int, int], int] = {}
    known: list[dict[str, Any]] = []
    chosen: list[int] = []
    for meaning, trace in zip(meanings, traces, strict=True):
        pair = (id(meaning), id(trace))
        place = places.get(pair)
        if place is None:
            place = places[pair] = len(known)
            known.append(dict(trace + meaning))
        chosen.append(place)
    taken = np.array(chosen, dtype=np.intp)
    return [_array([item.get(name) for item in known], shape.get(name, TEXT)).take(taken) for name in names]


_TRACE, _MEANING = attrgetter("trace"), attrgetter("meaning")
# Of each kind of frame: the kind of object, what comes from its fields, what from its attributes. The name comes last
# where a reader looks for the structure first.
_SOURCES: Final[Mapping[str, tuple[str, Sequence[str], Sequence[str]]]] = {
    "tables": ("table", ("name",), ("without_rowid", "strict", "autoincrement", "module")),
    "columns": (
        "column",
        ("table", "name", "position"),
        ("type", "affinity", "notnull", "default", "collation", "generated"),
    ),
    "primary_keys": ("primary_key", ("table",), ("columns",)),
    "foreign_keys": ("foreign_key", ("table",), ("on_update", "on_delete", "deferrable")),
    "uniques": ("unique", ("table", "ident"), ()),
    "checks": ("check", ("table", "ident"), ()),
    "indexes": ("index", ("table", "name"), ("columns", "unique", "predicate")),
    "views": ("view", ("name",), ("sql",)),
    "triggers": ("trigger", ("table", "name"), ("sql",)),
}


def attributes(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return attributes as one readable text: ``affinity=TEXT, notnull=true``."""
    return ", ".join(f"{name}={_text(value)}" for name, value in pairs)


def _ends(ident: str) -> tuple[str, str, str]:
    """Take the identity of a foreign key, ``columns->table(columns)``, apart."""
    columns, _, target = ident.partition("->")
    table, _, referenced = target.rpartition("(")
    return columns, table or target, referenced.removesuffix(")") if table else ""


def history(source: History) -> pd.DataFrame:
    """Return what a tracker says, row by row in its own order."""
    return frame(
        "history",
        [
            (
                row.version, row.recorded_at, row.order, row.description, row.checksum, row.success, row.row_id,
                row.ref,
            )
            for row in source.rows
        ],
    )  # fmt: skip


def chain(source: Chain) -> pd.DataFrame:
    """Return the migrations of a chain in the order in which their tool runs them."""
    return frame(
        "chain",
        [
            (
                item.id, item.version, item.name, item.parents, item.file, item.language, item.content.sha256,
                item.content.md5, item.content.origin, item.loadable, item.problem,
            )
            for item in source.migrations
        ],
    )  # fmt: skip


def timeline(events: Iterable[Event]) -> pd.DataFrame:
    """Return dated facts in the order given; an unknown time is ``NaT``."""
    return frame(
        "timeline",
        [
            (
                item.at, item.source, item.actor, item.message, item.ref, item.level, item.assumed, item.precision,
                item.environment, item.migration,
            )
            for item in events
        ],
    )  # fmt: skip


def exhibits(items: Iterable[Exhibit]) -> pd.DataFrame:
    """Return what was read, with its hashes."""
    return frame("exhibits", [(item.ref, item.name, item.kind, item.sha256, item.size, item.how) for item in items])


def differences(changes: Iterable[Change]) -> pd.DataFrame:
    """Return differences, one row an elementary change: an altered object has one row an attribute."""
    rows = []
    for change in changes:
        item = change.subject
        head = (change.state, item.kind, item.table, item.name)
        rows += [(*head, *attribute) for attribute in change.attributes] or [(*head, "", "", "")]
    return frame("differences", rows)
