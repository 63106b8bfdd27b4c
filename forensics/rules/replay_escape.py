"""A migration tried to reach another database, file or process during its replay."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration whose attempts were refused."""
    for name, attempts in facts.attempts.items():
        label = facts.label(name)
        kinds = sorted({item.kind for item in attempts})
        yield Finding(
            cause="replay-escape",
            scope="chain",
            severity="warning",
            migrations=(label,),
            summary=f"In its replay, {label} tried to reach something else than the scratch database ({listing(kinds)}): it was refused.",
            evidence=tuple(
                Proof(source="replay", detail=f"{item.kind} {item.target}: {item.message}", ref=item.place or label)
                for item in attempts[:6]
            ),
            confidence=0.99,
            would_overturn="None: the attempt was seen.",
            remedy=f"Let {label} work on the connection that it is given, and on nothing else.",
            prevention="Run migrations in tests with no other database within reach.",
        )


RULE = Rule(
    cause="replay-escape", severity="warning", question="Did a migration reach for another database?", check=check
)
