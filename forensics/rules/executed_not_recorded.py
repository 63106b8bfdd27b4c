"""Its effects are there; the tracker does not know it."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, plural, ref, span


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each run of neighbours that ran and are not recorded; none where there is no tracker at all."""
    if facts.history.state == "absent":
        return
    block: list[str] = []
    for name in [item.id for item in facts.migrations]:
        ran = facts.judged[name].executed == "yes" and name not in facts.recorded
        if ran and facts.tie_differs(name):
            yield _finding(facts, [name])
        elif ran:
            block.append(name)
        elif block and facts.judged[name].executed != "unknown":
            yield _finding(facts, block)
            block = []
    if block:
        yield _finding(facts, block)


def _finding(facts: Facts, names: list[str]) -> Finding:
    labels = facts.labels(names)
    evidence: list[Proof] = []
    against: list[Proof] = []
    for name, label in zip(names, labels, strict=True):
        effects = facts.judged[name].effects
        shown = f"{effects.present} of {plural(effects.expected, 'effect')} present"
        if effects.superseded:
            shown += f", {effects.superseded} changed again by later migrations"
        detail = f"{label}: {shown} (basis: {facts.judged[name].basis})"
        evidence.append(Proof(source="schema", detail=detail, ref=f"migration {label}"))
        rows = facts.rows(name)
        for match in rows:
            said = match.note or "its text is the one of another row"
            evidence.append(Proof(source="tracker", detail=said, ref=match.row.ref))
        if not any(match.by == "checksum" for match in rows):
            against.append(Proof(source="tracker", detail=f"no row for {label}", ref=facts.history.table or ""))
    tied = sorted({said for name in names for said in facts.tie_differs(name)})
    made = [trace.after for name in names for trace in facts.signature(name) if trace.after is not None]
    objects = tuple(dict.fromkeys(ref(item, "extra") for item in made if item.key in facts.live()))
    summary = (
        f"Migration {labels[0]} has run here, but the tracker has no row for it."
        if len(names) == 1
        else f"{len(names)} migrations ({span(labels)}) have run here, but the tracker has no row for them."
    )
    return Finding(
        cause="executed-not-recorded",
        scope="environment",
        severity="warning" if tied else "error",
        migrations=labels,
        objects=objects,
        summary=summary,
        evidence=tuple(evidence),
        evidence_against=tuple(against),
        confidence=0.6 if tied else 0.93,
        would_overturn="A log that shows these objects being made by something else.",
        alternatives=tuple(f"an equally good story says of it: {said}" for said in tied),
        remedy=f"Record {span(labels)} as applied after every effect is proven; running them again would fail or repeat itself.",
        prevention="Run migrations only through the manager, and never renumber a file that has run anywhere.",
    )


RULE = Rule(
    cause="executed-not-recorded",
    severity="error",
    question="Has a migration run that the tracker does not know?",
    check=check,
)
