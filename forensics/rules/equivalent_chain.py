"""The active chain builds the schema that is there, although the tracker names another chain."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.conclusions.foreign import gap, reordered, strange
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding where a re-stamp is all that a tracker at a foreign revision needs."""
    explanation = facts.explanation
    stray = [item for item in facts.foreign if item.kind in ("foreign-chain", "missing-file")]
    if explanation is None or facts.chain is None or not stray or explanation.reference.failures:
        return
    if not explanation.reference.natural or gap(explanation) or facts.not_run:
        return
    heads = [facts.chain.label(name) for name in facts.chain.heads]
    versions = [item.row.version for item in stray]
    order, extra = reordered(explanation), strange(explanation)
    built = len(explanation.reference.natural)
    evidence = [
        Proof(
            source="replay",
            detail=f"{facts.chain.path} replayed from empty gives the live schema: no difference in meaning in {built} tables and views",
            ref="replay",
        ),
        Proof(source="tracker", detail=f"recorded: {listing(versions)}", ref=stray[0].row.ref),
    ]
    if order:
        evidence.append(Proof(source="replay", detail=f"the order of columns differs in {listing(order)}", ref="replay"))
    if extra:
        evidence.append(
            Proof(source="schema", detail=f"beside it there are {listing(extra, 8)}, which the chain never mentions", ref="schema")
        )
    yield Finding(
        cause="equivalent-chain",
        scope="environment",
        severity="info",
        migrations=tuple(heads),
        summary=f"The active chain {facts.chain.path} builds the very schema that is here"
        + (", but for the order of columns" if order else "")
        + f": stamping {listing(heads)} in place of {listing(versions)} suffices, and touches no data.",
        evidence=tuple(evidence),
        confidence=0.97,
        would_overturn="A difference that the schema does not show: rows that a migration of the active chain would have written.",
        remedy=f"Back up the tracker's rows, then `alembic stamp --purge {' '.join(heads)}`; verify with `forensics diagnose`.",
        prevention="Prove that a squashed chain builds the same schema when it is made: `forensics compare chain:NEW chain:OLD`.",
    )


RULE = Rule(
    cause="equivalent-chain",
    severity="info",
    question="Does another chain build the same schema?",
    check=check,
)
