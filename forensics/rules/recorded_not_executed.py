"""The tracker says applied; the schema shows none of it."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, in_words, listing, plural, span, trace_refs


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each run of neighbouring migrations that are recorded and did not run."""
    if facts.explanation is not None and facts.explanation.by_models:
        return  # made from the models and stamped: nobody claimed that they ran
    block: list[str] = []
    copies = facts.explanation.copies() if facts.explanation else {}
    for name in [item.id for item in facts.migrations if item.id not in copies]:
        answer = facts.judged.get(name)
        if answer is None or (answer.executed == "unknown" and block):
            continue
        if answer.executed == "no" and name in facts.recorded and not facts.tie_differs(name):
            block.append(name)
        elif block and name in facts.recorded:
            yield _finding(facts, block)
            block = []
        if name in facts.recorded and answer.executed == "no" and facts.tie_differs(name):
            yield _finding(facts, [name])
    if block:
        yield _finding(facts, block)


def _finding(facts: Facts, names: list[str]) -> Finding:
    live = facts.live()
    labels = facts.labels(names)
    evidence: list[Proof] = []
    against: list[Proof] = []
    for name in names:
        evidence += facts.tracker_proofs(name)
        effects = facts.judged[name].effects
        gone = trace_refs(facts.signature(name), live)
        told = f": {in_words([item for item in gone if item.state == 'missing'])}" if gone else ""
        if effects.expected:
            detail = f"{facts.label(name)}: {effects.absent} of {plural(effects.expected, 'effect')} absent{told}"
            evidence.append(Proof(source="schema", detail=detail, ref=f"migration {facts.label(name)}"))
        if effects.present:
            detail = (
                f"{facts.label(name)}: {plural(effects.present, 'object')} of it are there, put there by something else"
            )
            against.append(Proof(source="schema", detail=detail, ref=f"migration {facts.label(name)}"))
        why = facts.judged[name].why
        if why:
            evidence.append(
                Proof(source="replay", detail=f"{facts.label(name)} cannot have run here: {why}", ref="replay")
            )
        if facts.not_run.get(name):
            evidence.append(Proof(source="chain", detail=facts.not_run[name], ref=facts.file(name)))
    for event in facts.log_lines([facts.chain.by_id[name].name for name in names if facts.chain], limit=2):
        evidence.append(Proof(source="log", detail=event.message.splitlines()[0][:200], ref=event.ref))
    tied = sorted({said for name in names for said in facts.tie_differs(name)})
    total = sum(facts.judged[name].effects.expected for name in names)
    if not total:
        summary = (
            f"{listing(labels)} is recorded as applied, but the stored text of the schema shows that it did not run. It changes no "
            "definition, so this is a warning."
        )
    elif len(names) == 1:
        what = f"none of its {plural(total, 'effect')} is" if total != 1 else "its only effect is not"
        summary = f"Migration {labels[0]} is recorded as applied, but {what} in the schema."
    else:
        summary = (
            f"{len(names)} migrations ({span(labels)}) are recorded as applied, but none of their {plural(total, 'effect')} "
            + ("can be attributed to them." if against else "is there.")
        )
    return Finding(
        cause="recorded-not-executed",
        scope="environment",
        severity="warning" if tied or not total else "critical",
        migrations=labels,
        objects=tuple(item for name in names for item in trace_refs(facts.signature(name), live)),
        summary=summary,
        evidence=tuple(evidence) or (Proof(source="schema", detail="no effect of it is there"),),
        evidence_against=tuple(against),
        confidence=0.6 if tied else 0.97 if not against else 0.9,
        would_overturn=f"A log or a backup that shows {listing(labels)} running here after the row was written.",
        alternatives=tuple(f"an equally good story says of it: {said}" for said in tied),
        remedy=f"Execute {listing(labels)} for real, in the order of the chain, on a copy first; leave the tracker's rows as they are.",
        prevention="Never insert tracker rows by hand; gate deployments on `forensics check` or `forensics diagnose`.",
    )


RULE = Rule(
    cause="recorded-not-executed",
    severity="critical",
    question="Does the tracker claim a migration of which the schema shows nothing?",
    check=check,
)
