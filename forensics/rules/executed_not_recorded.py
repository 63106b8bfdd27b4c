"""Its effects are there; the tracker does not know it."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, plural, ref


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all migrations that ran and are not recorded; none where there is no tracker at all."""
    names = [name for name in facts.executed("yes") if name not in facts.recorded]
    if not names or facts.history.state == "absent":
        return
    for name in names:
        effects = facts.judged[name].effects
        label = facts.label(name)
        basis = facts.judged[name].basis
        shown = f"{effects.present} of {plural(effects.expected, 'effect')} present"
        evidence = [Proof(source="schema", detail=f"{label}: {shown} (basis: {basis})", ref=f"migration {label}")]
        for match in facts.rows(name):
            evidence.append(
                Proof(source="tracker", detail=match.note or "its text is the one of another row", ref=match.row.ref)
            )
        against: tuple[Proof, ...] = ()
        if not any(match.by == "checksum" for match in facts.rows(name)):
            against = (Proof(source="tracker", detail=f"no row for {label}", ref=facts.history.table or ""),)
        tied = facts.tie_differs(name)
        yield Finding(
            cause="executed-not-recorded",
            scope="environment",
            severity="warning" if tied else "error",
            migrations=(label,),
            objects=tuple(ref(trace.after, "extra") for trace in facts.signature(name) if trace.after is not None),
            summary=f"Migration {label} has run here ({shown}), but the tracker has no row for it.",
            evidence=tuple(evidence),
            evidence_against=against,
            confidence=0.6 if tied else 0.93,
            would_overturn="A log that shows these objects being made by something else.",
            alternatives=tuple(f"an equally good story says of it: {said}" for said in tied),
            remedy=f"Record {label} as applied after every effect is proven; running it again would fail or repeat itself.",
            prevention="Run migrations only through the manager, and never renumber a file that has run anywhere.",
        )


RULE = Rule(
    cause="executed-not-recorded",
    severity="error",
    question="Has a migration run that the tracker does not know?",
    check=check,
)
