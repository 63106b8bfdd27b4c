"""The tracker itself marks a failure."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each row that says that its migration failed."""
    for row in facts.history.rows:
        if row.success:
            continue
        names = [item.id for item in facts.migrations if item.version == row.version]
        yield Finding(
            cause="failed-migration",
            scope="environment",
            severity="critical",
            migrations=facts.labels(names) or (row.version,),
            summary=f"The tracker itself says that {row.version} failed.",
            evidence=(Proof(source="tracker", detail=row.description or "marked as failed", ref=row.ref),),
            confidence=0.97,
            would_overturn="A later row of the same version that succeeded.",
            remedy="See which of its statements took effect before clearing the mark.",
            prevention="Run each migration in one transaction with its tracker row.",
        )


RULE = Rule(cause="failed-migration", severity="critical", question="Does the tracker mark a failure?", check=check)
