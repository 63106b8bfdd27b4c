"""Application objects, but no tracker."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.closing import origin
from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.advice import first_stop
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural
from forensics.rules.manual_change import BY


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for a database that holds objects and says nothing of migrations."""
    if (
        facts.explanation is None
        or not facts.explanation.subject.live
        or facts.history.rows
        or facts.history.state == "unreadable"
    ):
        return
    subject = facts.explanation.subject
    groups = list(subject.live.values())
    origins = sorted({origin(group, subject) for group in groups})
    ran = facts.executed("yes", "partial")
    if ran and facts.history.state == "empty":
        return  # then each of them is executed and not recorded
    stop = first_stop(facts)
    begins = facts.label(facts.chain.migrations[0].id) if facts.chain and facts.chain.migrations else ""
    run = f" Its first run would begin at {begins}" if begins else ""
    run += f" and stop at {facts.label(stop.migration.id)}: {stop.error}." if stop and run else ", and go through." if run else ""
    what = "an empty tracker" if facts.history.state == "empty" else "no tracker"
    yield Finding(
        cause="untracked",
        scope="environment",
        severity="error",
        migrations=facts.labels(ran),
        objects=tuple(ObjectRef(kind="table", table=None, name=group.name, state="extra") for group in groups),
        summary=f"The database holds {plural(len(groups), 'table')} and {what}. "
        + (
            f"By its schema {facts.spans(ran)} ran here."
            if ran
            else f"No migration ran here; its objects come from {listing([BY[item] for item in origins], 2)}."
        )
        + run,
        evidence=(
            Proof(
                source="schema",
                detail=f"tables: {listing([group.name for group in groups], 8)}",
                ref=facts.evidence.url or "",
            ),
            Proof(source="tracker", detail=f"{what} found", ref=facts.history.table or ""),
            *(
                Proof(
                    source="replay",
                    detail=f"all of the chain, run on a copy of this schema: {item.error}",
                    ref=item.migration.file or "",
                )
                for item in ([stop] if stop else [])
            ),
        ),
        confidence=0.95,
        would_overturn="A tracker in another schema, file or under another name (name it in the case file).",
        remedy=f"Decide whether this environment is needed. If so, record {facts.spans(ran)}, which its schema proves, "
        "before anything is run here."
        if ran
        else "Decide whether this environment is needed. If so, build it anew from migrations"
        + (f", once {facts.label(stop.migration.id)} goes through." if stop else "."),
        prevention="Let the application refuse to start on a database that the migration tool has not made.",
    )


RULE = Rule(cause="untracked", severity="error", question="Are there objects but no tracker?", check=check)
