"""Recorded and loadable, but it does nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all recorded migrations that execute no statement. Merges are no news."""
    if facts.explanation is None:
        return
    told = facts.explanation.reference.told
    names = [
        item.id
        for item in facts.migrations
        if item.id in facts.recorded
        and item.loadable
        and len(item.parents) < 2
        and (line := told.get(item.id)) is not None
        and not line.error
        and not line.done
        and not line.changed
    ]
    if not names:
        return
    labels = facts.labels(names)
    yield Finding(
        cause="empty-migration",
        scope="chain",
        severity="info",
        migrations=labels,
        summary=f"{listing(labels)} {'executes' if len(labels) == 1 else 'execute'} no statement at all.",
        evidence=(
            Proof(
                source="replay", detail="no statement that could change something was executed", ref=", ".join(labels)
            ),
        ),
        confidence=0.95,
        would_overturn="A condition in the file that is true in an environment and not on the scratch database.",
        remedy="Write what was meant as a new migration; leave the applied file as it is.",
        prevention="Refuse an empty migration in review.",
    )


RULE = Rule(cause="empty-migration", severity="info", question="Does a recorded migration do nothing?", check=check)
