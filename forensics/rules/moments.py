"""Whether the log and the tracker can speak of one database at one moment, and since when a chain is no longer in use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from forensics.adapters.revisions import ancestors
from forensics.chain.statements import Place, Statements
from forensics.clock import instant
from forensics.history.announced import announced, unlocated
from forensics.model import Chain, Event, Proof
from forensics.rules.facts import Facts, listing
from forensics.rules.logged import database, entries, shown

_CREATED = re.compile(r"(?m)^\s*Create Date:\s*(.+?)\s*$")
_ANY_ZONE = timedelta(hours=14)
Traced = tuple[str, Sequence[Place], Sequence[Event]]


def retired(facts: Facts, where: str) -> datetime | None:
    """Return since when a chain is no longer the active one, or None where nothing tells.

    Git tells when its files left the active folder; else the date that the active chain's first file states counts,
    with the widest zone, as a file does not say in which zone its date is.
    """
    chain = facts.chain
    if chain is None or where == "git":
        return None
    other = next((item for item in (*chain.archived, *_elsewhere(facts)) if where.endswith(f":{item.name}")), None)
    names = {(item.file or "").rpartition("/")[2] for item in other.migrations} if other else set()
    left = [
        item.at
        for item in facts.versions
        if item.action in ("D", "R") and (item.old_path or item.path).rpartition("/")[2] in names
    ]
    if left:
        return max(left)
    bases = [chain.by_id[name] for name in chain.bases]
    stated = [found for item in bases if (found := _CREATED.search(item.content.text[:4000]))]
    moments = [moment.at for match in stated if (moment := instant(match[1]))]
    return min(moments) - _ANY_ZONE if moments else None


def replaced(facts: Facts, places: Sequence[Place]) -> datetime | None:
    """Return since when none of these texts of git is what is checked out; the end of time for one that never was.

    A log from before an edit holds the statements of the text that was edited, which is nobody's fault.
    """
    versions = (*facts.versions, *(facts.source.beyond if facts.source else ()))
    found = []
    for place in places:
        born = min((item.at for item in versions if item.commit.startswith(place.where.partition(":")[2])), default=None)
        later = [item.at for item in versions if born and item.at > born and place.file in (item.path, item.old_path)]
        found.append(min(later, default=datetime.max.replace(tzinfo=UTC)))
    return max(found, default=None)


def _elsewhere(facts: Facts) -> tuple[Chain, ...]:
    return facts.source.elsewhere if facts.source else ()


def contradictions(facts: Facts, statements: Statements, where: str, traced: Sequence[Traced]) -> list[Proof]:
    """Return what in the log does not go with what the tracker holds, or with something else in the log.

    A runner that upgrades a database executes only what comes after its recorded revision, and nothing at all where it
    does not know that revision. So a statement that stands before it was logged at another moment, or in another
    database.
    """
    chain = statements.chains.get(where)
    found: list[Proof] = []
    found += _other_database(facts, traced)
    if chain is None or facts.history.keeps != "head":
        return found
    log = entries(facts)
    lost = unlocated(log)
    recorded = facts.history.versions
    for text, places, events in traced:
        needed = [place for place in places if place.forward]
        if not needed:
            continue
        for version in recorded:
            if said := _impossible(chain, version, needed):
                ref = next((row.ref for row in facts.history.rows if row.version == version), "")
                detail = f"the tracker stands at {version!r}, and `{text[:80]}` {said}; the log and the tracker speak of two "
                detail += f"databases, or of two moments (the log's: {_when(events)}){_between(log, version, events)}"
                found.append(Proof(source="tracker", detail=detail, ref=ref))
        for version, event in lost:
            if version not in recorded and version in chain.by_version and (said := _impossible(chain, version, needed)):
                detail = f"the log also says \"Can't locate revision identified by {version!r}\" ({_when([event])}), and from there "
                detail += f"`{text[:80]}` {said}; so the log itself speaks of two databases, or of two moments"
                found.append(Proof(source="log", detail=detail, ref=event.ref))
        if found:
            break  # the others would say the same
    seen = set()
    for version, event in lost:
        if recorded and version not in recorded and version not in seen:
            seen.add(version)
            detail = f"\"Can't locate revision identified by {version!r}\" ({_when([event])}), but the tracker stands at "
            detail += f"{listing([repr(item) for item in recorded])}: two databases, or two moments"
            found.append(Proof(source="log", detail=detail, ref=event.ref))
    return list(dict.fromkeys(found))


def _impossible(chain: Chain, version: str, needed: Sequence[Place]) -> str:
    """Say why a database at a revision would not be sent a statement, or nothing where it could be."""
    items = chain.by_version.get(version)
    if items is None:
        return f"cannot come from there: the chain {chain.path} does not know that revision, so its runner stops before any statement"
    below = ancestors(chain.by_id, [items[0].id])
    if any(place.migration not in below for place in needed):
        return ""
    labels = list(dict.fromkeys(place.label for place in needed))
    return f"belongs to {listing(labels)}, which is not after it: it is sent only to a database that stands before {listing(labels)}"


def _between(log: Sequence[Event], version: str, events: Sequence[Event]) -> str:
    """Say what in the log brought the tracker to its revision after these entries."""
    last = max((event.at for event in events if event.at), default=None)
    for item in announced(log):
        at = item.event.at
        if version in item.after and last is not None and at is not None and at > last and not item.failed:
            move = f"Running {item.verb} {', '.join(item.before)} -> {version}"
            return f"; `{move}` was logged in between ({shown(at)}, {item.event.ref})"
    return ""


def _other_database(facts: Facts, traced: Sequence[Traced]) -> list[Proof]:
    own = database(facts)
    named = {event.database: event for _, _, events in traced for event in events if event.database}
    if len(named) > 1:
        detail = f"these entries name several databases: {listing(sorted(named))}"
        return [Proof(source="log", detail=detail, ref=next(iter(named.values())).ref)]
    other = next(iter(named), "")
    if own and other and other != own:
        detail = f"the log names the database {other}, and this environment is {own}: two databases, or two names of one"
        return [Proof(source="log", detail=detail, ref=named[other].ref)]
    return []


def _when(events: Sequence[Event]) -> str:
    return next((shown(event.at) for event in events if event.at), "no time told")
