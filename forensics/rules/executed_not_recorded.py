"""Its effects are there; the tracker does not know it."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.advice import see
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural, ranked, ref
from forensics.rules.logged import GRAVE, entries, quoted
from forensics.rules.numbering import renamed, renumbering


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
        evidence += _logged(facts, name)
    tied = sorted({said for name in names for said in facts.tie_differs(name)})
    made = [trace.after for name in names for trace in facts.signature(name) if trace.after is not None]
    there = [item for item in made if item.key in facts.live()]
    objects = tuple(dict.fromkeys(ranked((ref(item, "extra") for item in there), there)))
    summary = (
        f"Migration {labels[0]} has run here, but the tracker has no row for it."
        if len(names) == 1
        else f"{len(names)} migrations ({facts.spans(names)}) have run here, but the tracker has no row for them."
    )
    return Finding(
        cause="executed-not-recorded",
        scope="environment",
        severity="warning" if tied else "error",
        migrations=labels,
        objects=objects,
        summary=summary,
        evidence=tuple(evidence),
        confidence=0.6 if tied else 0.93,
        would_overturn="A log that shows these objects being made by something else.",
        alternatives=tuple(f"an equally good story says of it: {said}" for said in tied),
        remedy=_remedy(facts, names),
        prevention="Run migrations only through the migration tool, and never renumber a file that has run anywhere.",
    )


def _logged(facts: Facts, name: str) -> list[Proof]:
    """Return what the log says of the file by name: a run beside the tracker stands nowhere else."""
    file = facts.file(name)
    found = [event for event in entries(facts) if event.level not in GRAVE and file in event.message]
    return [Proof(source="log", detail=quoted(event), ref=event.ref) for event in found[:2]]


def _remedy(facts: Facts, names: list[str]) -> str:
    """Return how the tracker comes to know them: each under a number of its own."""
    assert facts.explanation is not None
    fresh = renumbering(facts)
    moved = [name for name in names if name in fresh]
    shared = [name for name in names if name not in fresh and _shares(facts, name)]
    failing = {item.migration.id for item in facts.explanation.failures if item.when == "next-run" and item.statement}
    again = "running them again" if len(names) > 1 else "running it again"
    harm = f"{again} {'would fail' if any(name in failing for name in names) else 'repeats what it did'}"
    strays = [item.row.version for item in facts.foreign if item.kind == "foreign-chain"]
    if strays:
        return f"The stamp that {strays[0]} asks for records {facts.spans(names)} too{see('foreign-chain', strays[0])}: {harm}."
    if not moved and not shared:
        return f"Record {facts.spans(names)} as applied, without running {'it' if len(names) == 1 else 'them'}: {harm}."
    steps = [f"rename {facts.file(name)} to {renamed(facts, name, fresh[name])} (a free number)" for name in moved]
    version = facts.migrations[facts.explanation.subject.order[names[0]]].version
    own = [f"{facts.file(name)} as {fresh.get(name, version)}" for name in names]
    said = f"The tracker takes one row for each number. {'First ' + listing(steps) + '; then record' if steps else 'Record'} "
    said += f"{listing(own)} as applied, without running {'it' if len(names) == 1 else 'them'}: {harm}."
    rows = [match.row.version for name in names for match in facts.rows(name) if match.row.version != version]
    if rows:
        links = "".join(dict.fromkeys(see("recorded-not-executed", row) for row in rows))
        one = len(rows) == 1
        said += f" {'Row' if one else 'Rows'} {listing(sorted(rows))} {'stays' if one else 'stay'} for the new "
        said += f"{'file of that number, once it has' if one else 'files of those numbers, once they have'} run{links}."
    return said


def _shares(facts: Facts, name: str) -> bool:
    """Whether another file, which is no copy of this one, claims the version of a migration."""
    chain = facts.chain
    copies = facts.explanation.copies() if facts.explanation else {}
    item = chain.by_id.get(name) if chain else None
    return chain is not None and item is not None and len([i for i in chain.by_version[item.version] if i.id not in copies]) > 1


RULE = Rule(
    cause="executed-not-recorded",
    severity="error",
    question="Has a migration run that the tracker does not know?",
    check=check,
)
