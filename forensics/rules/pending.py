"""Not applied yet, nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all pending migrations that did not run."""
    names = [
        name for name in facts.pending if name in facts.judged and facts.judged[name].executed in ("no", "unknown")
    ]
    if not names or facts.history.state in ("absent", "unreadable"):
        return
    labels = facts.labels(names)
    yield Finding(
        cause="pending",
        scope="environment",
        severity="info",
        migrations=labels,
        summary=f"{plural(len(names), 'migration')} not applied yet: {listing(labels)}.",
        evidence=(Proof(source="tracker", detail="no row for them", ref=facts.history.table or ""),),
        confidence=0.99,
        would_overturn="A row for them in the tracker.",
        remedy="Run them with the migration tool once the findings at error or above are dealt with.",
        prevention="None needed.",
    )


RULE = Rule(cause="pending", severity="info", question="What has not been applied yet?", check=check)
