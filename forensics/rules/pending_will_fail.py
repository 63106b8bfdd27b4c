"""The next run will fail."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the first pending migration that fails on a copy of the live schema."""
    if facts.explanation is None or facts.history.state == "absent":
        return
    failing = [item for item in facts.explanation.failures if item.when == "next-run"]
    if not failing:
        return
    first = failing[0]
    label = facts.label(first.migration.id)
    statement = " ".join(first.statement.split())[:200]
    evidence = [
        Proof(
            source="replay",
            detail=(
                f"run on a copy of the live schema: `{statement}` fails: {first.error}" if statement else first.error
            ),
            ref=first.migration.file or "",
        )
    ]
    for event in facts.log_lines([first.error], limit=2):
        evidence.append(Proof(source="log", detail=event.message.splitlines()[0][:200], ref=event.ref))
    later = [facts.label(item.migration.id) for item in failing[1:]]
    if later:
        evidence.append(
            Proof(source="replay", detail=f"after it these would fail too: {listing(later, 12)}", ref="failures")
        )
    yield Finding(
        cause="pending-will-fail",
        scope="environment",
        severity="critical",
        migrations=(label,),
        summary=f"The next run will fail at {label}: {first.error}"
        + (f" at `{statement[:120]}`" if statement else "")
        + f" (cause: {first.cause}).",
        evidence=tuple(evidence),
        confidence=0.96,
        would_overturn="A change of the schema, or of the file, before the next run.",
        alternatives=(),
        remedy=f"Do not start the manager here before the cause ({first.cause}) is repaired; it would stop at {label}.",
        prevention="Run pending migrations on a copy of each environment before deploying them.",
    )


RULE = Rule(cause="pending-will-fail", severity="critical", question="Will the next run fail?", check=check)
