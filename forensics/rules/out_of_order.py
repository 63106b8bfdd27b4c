"""Applied in another order than the chain's."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.story import Run
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the migrations that ran, or were recorded, after one that comes later in the chain."""
    if facts.explanation is None:
        return
    order = facts.explanation.subject.order
    ran = [
        line.step.migration
        for line in facts.explanation.played.told
        if isinstance(line.step, Run) and line.status != "nothing"
    ]
    evidence: list[Proof] = []
    said: list[str] = []
    late: list[str] = []
    for name, before in _late(ran, order):
        late.append(name)
        said.append(f"{facts.label(name)} ran after {facts.label(before)}")
        detail = f"the schema comes about only if {facts.label(name)} runs after {facts.label(before)}"
        evidence.append(Proof(source="replay", detail=detail, ref="explanation.steps"))
    if facts.history.keeps != "head":
        rows = sorted(
            facts.matches.values(),
            key=lambda match: (match.row.recorded_at is None, match.row.recorded_at or 0, match.row.order),
        )
        copies = facts.explanation.copies()
        ids = [name for match in rows for name in facts.claims(match) if name in order and name not in copies]
        once = list(dict.fromkeys(ids))
        for name, before in _late(once, order):
            if name not in facts.executed("yes", "partial") and not late:
                continue
            if name not in late:
                late.append(name)
                said.append(f"{facts.label(name)} was recorded after {facts.label(before)}")
            row = next((match.row for match in facts.rows(name)), None)
            detail = f"{facts.label(name)} was recorded after {facts.label(before)}"
            evidence.append(Proof(source="tracker", detail=detail, ref=row.ref if row else facts.history.table or ""))
    if not late:
        return
    labels = facts.labels(sorted(late, key=order.__getitem__))
    yield Finding(
        cause="out-of-order",
        scope="environment",
        severity="warning",
        migrations=labels,
        summary=f"{listing(said)}: another order than the chain's.",
        evidence=tuple(evidence),
        confidence=0.9 if any(item.source == "replay" for item in evidence) else 0.8,
        would_overturn="A log that shows the chain's own order.",
        remedy="Nothing by itself: compare the result with the chain's before changing anything.",
        prevention="Let the migration tool refuse to run, or to record, a version below the newest one.",
    )


def _late(names: list[str], order: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield each name that stands behind one which the chain puts after it, with that one."""
    highest = ""
    for name in names:
        if highest and order[name] < order[highest]:
            yield name, highest
        else:
            highest = name


RULE = Rule(
    cause="out-of-order",
    severity="warning",
    question="Was anything applied in another order than the chain's?",
    check=check,
)
