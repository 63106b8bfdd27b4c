"""The same definition under another name."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for indexes and constraints that differ in nothing but the name."""
    if facts.explanation is None:
        return
    pairs = facts.explanation.renamed()
    if not pairs:
        return
    said = [f"{was.kind.replace('_', ' ')} {was.name} is {now.name}" for was, now in pairs]
    yield Finding(
        cause="name-only-difference",
        scope="environment",
        severity="info",
        objects=tuple(ObjectRef(kind=now.kind, table=now.table, name=now.name, state="altered") for _was, now in pairs),
        summary=f"The same definition under another name: {listing(said)}.",
        evidence=(Proof(source="schema", detail="; ".join(said[:10]), ref="schema"),),
        confidence=0.95,
        would_overturn="A migration that drops the object by its old name.",
        remedy="Nothing, unless a later migration drops it by name.",
        prevention="Name every constraint and index in the migration.",
    )


RULE = Rule(
    cause="name-only-difference", severity="info", question="Is anything the same but for its name?", check=check
)
