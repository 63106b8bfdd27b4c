"""A migration is recorded; one that it depends on is not."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded migration with an unrecorded parent, for trackers that keep a row a migration."""
    if facts.chain is None or facts.history.keeps == "head" or facts.chain.tool == "numbered":
        return
    for item in facts.chain.migrations:
        missing = [
            name
            for name in (*item.parents, *item.depends_on)
            if name not in facts.recorded and name in facts.chain.by_id
        ]
        if item.id not in facts.recorded or not missing:
            continue
        yield Finding(
            cause="inconsistent-history",
            scope="environment",
            severity="error",
            migrations=(facts.label(item.id), *facts.labels(missing)),
            summary=f"{facts.label(item.id)} is recorded, but {listing(facts.labels(missing))}, which it depends on, is not.",
            evidence=(
                Proof(
                    source="tracker",
                    detail=f"no row for {listing(facts.labels(missing))}",
                    ref=facts.history.table or "",
                ),
            ),
            confidence=0.97,
            would_overturn="A dependency that was added to the file after it ran.",
            remedy="Apply the dependency if its effects are absent, else record it.",
            prevention="Never change the dependencies of an applied migration.",
        )


RULE = Rule(
    cause="inconsistent-history",
    severity="error",
    question="Is a dependency of a recorded migration not recorded?",
    check=check,
)
