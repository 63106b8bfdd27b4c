"""What documents say of the logs: statements of other chains with the files that hold them, and revisions nobody could locate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics.history.announced import unlocated
from forensics.model import Event
from forensics.rules.logged import entries, error_line, shown, times, witness
from forensics.rules.stale_runner import matches
from forensics.wording import listing

if TYPE_CHECKING:
    from forensics.rules.facts import Facts

Document = dict[str, Any]


def logs(facts: Facts) -> Document:
    """Return what the logs hold of other chains: ``foreign`` statements, and revisions that the tool could not locate."""
    return {"foreign": [_statement(item) for item in matches(facts)], "cannot_locate": list(_lost(facts))}


def _statement(item: Any) -> Document:
    best = witness(item.events)
    return {
        "statement": item.statement,
        "chain": item.chain,
        "failed": item.failed,
        "error": error_line(best[0]) if item.failed else None,
        "migrations": list(dict.fromkeys(place.label for place in item.places)),
        "files": [{"file": place.file, "line": place.line or None, "by": place.by} for place in item.places],
        **_when(best),
    }


def _lost(facts: Facts) -> Iterator[Document]:
    found: dict[str, list[Event]] = {}
    for version, event in unlocated(entries(facts)):
        if not event.echo:
            found.setdefault(version, []).append(event)
    for version, events in found.items():
        # A program says it twice: once with a time, and once to whoever called it.
        yield {"revision": version, **_when([event for event in events if event.at is not None] or events)}


def _when(events: Sequence[Event]) -> Document:
    known = sorted(at for event in events for at in (event.at, event.until) if at is not None)
    return {
        "times": times(events),
        "first": shown(known[0]) if known else None,
        "last": shown(known[-1]) if known else None,
        "ref": events[0].ref,
    }


def moments(documents: Sequence[Document]) -> list[Document]:
    """Return what the logs of several environments say that cannot be said of one database at one moment.

    A statement that fails in a migration is sent only to a database that stands before it; a revision that cannot be
    located is where the tracker stands. Where that comes after the migration, these are two databases, or two moments.
    """
    orders: dict[str, list[str]] = {}
    for item in documents:
        for told in item.get("foreign") or ():
            for chain in told["chains"]:
                orders.setdefault(chain["path"], [each["version"] for each in chain["migrations"]])
    failing: dict[tuple[str, str, str], dict[str, Document]] = {}
    lost: dict[str, dict[str, Document]] = {}
    for item in documents:
        name, said = item["environment"]["name"], item.get("logs") or {}
        for each in said.get("foreign", ()):
            if each["failed"] and len(each["migrations"]) == 1:
                failing.setdefault((each["statement"], each["chain"], each["migrations"][0]), {})[name] = each
        for each in said.get("cannot_locate", ()):
            lost.setdefault(each["revision"], {})[name] = each
    names = [item["environment"]["name"] for item in documents]
    return [
        _moment(statement, migration, version, here, there, names)
        for (statement, chain, migration), here in failing.items()
        for version, there in lost.items()
        if _after(orders.get(chain, []), migration, version)
    ]


def _after(order: Sequence[str], migration: str, version: str) -> bool:
    return migration in order and version in order and order.index(version) >= order.index(migration)


def _moment(
    statement: str, migration: str, version: str, here: Mapping[str, Document], there: Mapping[str, Document], names: Sequence[str]
) -> Document:
    lost = f"\"Can't locate revision identified by '{version}'\""
    place = "that stands there" if version == migration else f"that stands at {version}, which comes later"
    both = [name for name in names if name in here and name in there]
    parts = [
        f"{name} logged both, the first until {here[name]['last']}, the second from {there[name]['first']}" for name in both
    ]
    for told, other, which in ((here, there, "first"), (there, here, "second")):
        only = [name for name in names if name in told and name not in other]
        if only:
            parts.append(f"{listing(only, 8)} logged only the {which}")
    return {
        "environments": [name for name in names if name in here or name in there],
        "summary": f"`{statement[:120]}` is sent only to a database that stands before {migration}, and {lost} is said only of one "
        f"{place}: never of one database at one moment. {'; '.join(parts)}.",
    }
