"""The ``[[criteria]]`` of a case file, as records: what must be true for the incident to be over."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.case.keys import Table, nearest
from forensics.case.spec import Criterion, Zones
from forensics.clock import instant, iso
from forensics.errors import CaseError
from forensics.redact import redact_text
from forensics.wording import CAUSES

KINDS = ("column", "table", "index", "migration", "query", "no_cause", "log_silent")
KEYS = ("text", "expect", "since", "environment", *KINDS)
LAST_MIGRATION = "last-migration"

_EXAMPLES = {
    "column": 'column = "orders.total"',
    "table": 'table = "orders"',
    "index": 'index = "orders_by_customer"',
    "migration": 'migration = "004"',
    "query": 'query = "SELECT count(*) FROM orders WHERE total IS NULL" with expect = 0',
    "no_cause": 'no_cause = "pending-will-fail"',
    "log_silent": 'log_silent = "no such column"',
}


def criterion(table: Table, zones: Zones, environments: Sequence[str]) -> Criterion:
    """Read one criterion. Raises `CaseError` with the place and the way out for one that cannot be checked."""
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        raise CaseError(
            f"[{table.place}] needs exactly one of {', '.join(KINDS)}{', not ' + ' and '.join(kinds) if kinds else ''}",
            remedy="write one [[criteria]] for each of them" if kinds else f"say what is checked, as in {_EXAMPLES['column']}",
        )
    kind = kinds[0]
    subject = table.text(kind).strip()
    if not subject:
        raise CaseError(f"{table.where(kind)} is empty", remedy=f"write it as {_EXAMPLES[kind]}")
    if kind == "column" and "." not in subject.strip("."):
        raise CaseError(f"{table.where(kind)} is {subject!r}, without its table", remedy=f"write it as {_EXAMPLES[kind]}")
    if kind == "no_cause" and subject not in CAUSES:
        raise CaseError(f"{table.where(kind)} is {subject!r}, which is no cause", remedy=nearest(subject, CAUSES))
    return Criterion(
        text=redact_text(table.required("text")),
        kind=kind,
        subject=subject,
        expect=_expected(table, kind),
        environments=_environments(table, environments),
        since=_since(table, kind, zones),
    )


def _expected(table: Table, kind: str) -> str:
    value = table.raw("expect")
    if kind != "query":
        if value is not None:
            raise CaseError(f"{table.where('expect')} belongs to a query, not to {kind}", remedy="remove it")
        return ""
    if value is None:
        raise CaseError(f"[{table.place}] has a query without expect", remedy="add expect = the value it must give")
    if isinstance(value, list | dict):
        raise CaseError(f"{table.where('expect')} must be one value", remedy="let the query give one value")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _environments(table: Table, known: Sequence[str]) -> tuple[str, ...]:
    names = table.texts("environment")
    for name in names:
        if name not in known:
            raise CaseError(f"{table.where('environment')} names {name!r}", remedy=nearest(name, known))
    return names


def _since(table: Table, kind: str, zones: Zones) -> str:
    value = table.raw("since")
    if value is None:
        return ""
    if kind != "log_silent":
        raise CaseError(f"{table.where('since')} belongs to log_silent, not to {kind}", remedy="remove it")
    if value == LAST_MIGRATION:
        return LAST_MIGRATION
    moment = instant(value, zones.events)
    if moment is None:
        raise CaseError(
            f"{table.where('since')} is no time", remedy=f'write it as 2026-02-10T12:00:00Z, or "{LAST_MIGRATION}"'
        )
    return iso(moment.at) or ""
