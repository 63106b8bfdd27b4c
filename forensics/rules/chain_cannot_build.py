"""Replayed from empty, the chain fails by itself."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first migration that fails when the chain runs alone, naming those that fail after it."""
    if facts.explanation is None:
        return
    copies = facts.explanation.copies()
    failures = [
        line
        for line in facts.explanation.reference.failures
        if line.migration not in facts.not_run and line.migration not in copies
    ]
    if not failures:
        return
    first = failures[0]
    label = facts.label(first.migration)
    statement = " ".join(first.failed.split())[:200]
    needs = facts.explanation.supplier(first)
    later = [facts.label(line.migration) for line in failures[1:]]
    evidence = [
        Proof(source="replay", detail=f"from empty, `{statement}` fails: {first.error}", ref=f"migration {label}")
    ]
    if needs:
        evidence.append(
            Proof(
                source="replay",
                detail=f"it goes through once {facts.label(needs)}, which comes later, has run",
                ref=f"migration {facts.label(needs)}",
            )
        )
    for line in failures[1:6]:
        name = facts.label(line.migration)
        evidence.append(Proof(source="replay", detail=f"{name}: {line.error}", ref=f"migration {name}"))
    names = [line.migration for line in failures]
    yield Finding(
        cause="chain-cannot-build",
        scope="chain",
        severity="error",
        migrations=facts.labels(names),
        summary=f"The chain cannot build an empty database: {label} fails at `{statement[:120]}` with `{first.error}`"
        + (f", because it needs {facts.label(needs)}, which comes after it" if needs else "")
        + (f"; {plural(len(later), 'later migration')} fail too: {listing(later)}." if later else "."),
        evidence=tuple(evidence),
        confidence=0.97,
        would_overturn="A run of the tool from an empty database that goes through.",
        remedy=f"Reorder or mend {label} for databases to come"
        + (f" (it belongs after {facts.label(needs)})" if needs else "")
        + "; leave what has run elsewhere as it is.",
        prevention="Build an empty database from the chain in every test run.",
    )


RULE = Rule(
    cause="chain-cannot-build",
    severity="error",
    question="Does the chain build an empty database?",
    check=check,
)
