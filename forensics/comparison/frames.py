"""A comparison as people and programs get it: a typed frame, and the document ``forensics/compare/1``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from forensics.conclusions.equivalence import Comparison, Failing, Side
from forensics.model import Change, Group, Scalar, SchemaObject

if TYPE_CHECKING:
    import pandas as pd

    from forensics.session import Case

Document = dict[str, Any]


def compare(left: Any, right: Any, *, case: Case | None = None, dialect: str = "", trust: bool = False) -> pd.DataFrame:
    """Return in what two schemas differ, one row an elementary difference; no row means that they are the same.

    ``left`` and ``right`` are environments of a case, its snapshots or chains, or texts: the name of an environment in ``case``,
    ``chain:NAME`` or ``chain:FOLDER``, ``snapshot:FOLDER``, a path or a URL. The columns are drift, state (``missing``: only on the
    left; ``extra``: only on the right; ``altered``; and, without drift, ``renamed`` and ``reordered``), kind, table, name, attribute,
    left, right, left_migration and right_migration: where a side is a chain, the migration that made the object as it is there.

    Raises
    ------
    UsageError
        A name means nothing.
    DatabaseUnreadable
        A side cannot be read.
    """
    from forensics.comparison.sides import compare_two
    from forensics.frames import frame

    return frame("comparison", list(rows(compare_two(left, right, case=case, dialect=dialect, trust=trust))))


def rows(found: Comparison) -> Iterator[tuple[Any, ...]]:
    """Yield the differences as rows of the frame ``comparison``: drift first, then names, then the order of columns."""
    for drift, changes in ((True, found.changes), (False, found.difference.renamed)):
        for change in changes:
            item = change.subject
            head = (drift, change.state, item.kind, item.table, item.name)
            tail = _makers(found, change)
            shown = change.attributes or (("", None, None),)
            yield from ((*head, name, left, right, *tail) for name, left, right in shown)
    for before, after in found.difference.reordered:
        yield (False, "reordered", "table", None, after.name, "columns", order(before), order(after), "", "")


def order(group: Group) -> str:
    """Return the columns of a table in their order."""
    columns = [item for item in group.objects if item.kind == "column"]
    return ", ".join(item.name for item in sorted(columns, key=lambda item: item.position or 0))


def comparison(found: Comparison) -> Document:
    """Return the document ``forensics/compare/1``. All lists have a fixed order."""
    difference = found.difference
    return {
        "schema": "forensics/compare/1",
        "left": _side(found.left),
        "right": _side(found.right),
        "equal": found.equal,
        "differences": [_change(found, item) for item in found.changes],
        "renamed": [_change(found, item) for item in difference.renamed],
        "reordered": [
            {"table": after.name, "left": order(before).split(", "), "right": order(after).split(", ")}
            for before, after in difference.reordered
        ],
        "spelling": [after.name for _, after in difference.spelling],
        "ignored": sorted({*found.left.ignored, *found.right.ignored}),
    }


def _side(side: Side) -> Document:
    bare = side.snapshot.without(frozenset(name.casefold() for name in side.ignored))
    shown: Document = {
        "name": side.name,
        "kind": side.kind,
        "dialect": bare.dialect,
        "server_version": bare.server_version,
        "fingerprint": bare.fingerprint,
        "layout": bare.layout,
    }
    if side.kind == "chain":
        shown["path"] = side.path
        shown["builds_from_empty"] = side.builds
        shown["failures"] = [failing(item) for item in side.failures]
        shown["not_run"] = [{"migration": name, "reason": why} for name, why in side.not_run.items()]
    return shown


def failing(item: Failing) -> Document:
    """Return one migration that fails from empty as documents have it."""
    because = item.because
    return {
        "migration": item.migration,
        "file": item.file,
        "statement": item.statement or None,
        "error": item.error,
        "because": None
        if because is None
        else {"how": because.how, "kind": because.kind, "name": because.name, "migration": because.migration or None},
        "supplied": list(item.supplied),
    }


def _change(found: Comparison, change: Change) -> Document:
    item = change.subject
    left, right = _makers(found, change)
    return {
        "state": change.state,
        "kind": item.kind,
        "table": item.table,
        "name": item.name,
        "attributes": [{"name": name, "left": one, "right": other} for name, one, other in change.attributes],
        "definition": _defined(change.expected or change.actual),
        "left_migration": left or None,
        "right_migration": right or None,
    }


def _defined(item: SchemaObject | None) -> dict[str, Scalar]:
    return dict(item.meaning) if item is not None else {}


def _makers(found: Comparison, change: Change) -> Sequence[str]:
    left = (change.expected or change.subject).key
    right = (change.actual or change.subject).key
    return found.left.maker(left), found.right.maker(right)
