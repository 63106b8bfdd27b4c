"""One version is recorded twice, or a tracker of heads holds a revision and one that it comes after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from forensics.adapters.revisions import lineage
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the versions that the tracker holds more than once, and one for those that overlap."""
    yield from _twice(facts)
    yield from _overlapping(facts)


def _overlapping(facts: Facts) -> Iterator[Finding]:
    chain, history = facts.chain, facts.history
    if chain is None or history.keeps != "head" or chain.tool != "alembic":
        return
    rows = {row.version: row for row in history.rows if row.version in chain.by_id}
    below = {name: lineage(chain.by_id, name) - {name} for name in rows}
    lower = [name for name in rows if any(name in line for line in below.values())]
    if not lower:
        return
    upper = [name for name in rows if any(item in below[name] for item in lower)]
    proven = all(facts.judged[name].executed in ("yes", "unknown") for name in lower if name in facts.judged)
    labels = facts.labels(lower)
    yield Finding(
        cause="duplicate-record",
        scope="environment",
        severity="warning",
        migrations=labels,
        summary=f"The tracker holds {listing(labels)} beside {listing(facts.labels(upper))}, which comes after it: a tracker of heads "
        "cannot hold both, and the tool stops with \"overlaps with other requested revisions\".",
        evidence=tuple(
            Proof(source="tracker", detail=f"{name} comes before {listing([up for up in upper if name in below[up]])}", ref=rows[name].ref)
            for name in lower
        ),
        evidence_against=()
        if proven
        else (Proof(source="schema", detail=f"not all of {listing(labels)} ran here", ref="migrations"),),
        confidence=0.98,
        would_overturn="A version of the files in which these revisions are on separate branches.",
        remedy=f"Delete the row of the ancestor ({listing(labels)}), never that of the descendant, once both are proven to have run.",
        prevention="Never change the parent of a revision that has run anywhere, and never write the tracker by hand.",
    )


def _twice(facts: Facts) -> Iterator[Finding]:
    if facts.history.keeps == "log":
        return
    count = Counter(row.version for row in facts.history.rows)
    twice = sorted(version for version, number in count.items() if number > 1)
    if not twice:
        return
    rows = [row for row in facts.history.rows if row.version in twice]
    yield Finding(
        cause="duplicate-record",
        scope="environment",
        severity="warning",
        migrations=tuple(twice),
        summary=f"The tracker holds {listing(twice)} more than once.",
        evidence=tuple(Proof(source="tracker", detail=row.description or "recorded", ref=row.ref) for row in rows[:10]),
        confidence=0.99,
        would_overturn="A tracker that keeps a row for each attempt.",
        remedy="Find out which of the rows was a run before deleting any.",
        prevention="Make the version unique in the tracker's table.",
    )


RULE = Rule(cause="duplicate-record", severity="warning", question="Is a version recorded twice?", check=check)
