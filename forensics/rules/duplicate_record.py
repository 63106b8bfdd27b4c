"""One version is recorded twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the versions that the tracker holds more than once."""
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
