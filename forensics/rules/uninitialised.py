"""No tracker and no application objects: an empty database, not a broken one."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.history.announced import announced
from forensics.model import Finding, Proof
from forensics.rules.advice import first_stop, see
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.logged import entries


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for an empty database."""
    evidence = facts.evidence
    objects = bool(facts.explanation and facts.explanation.subject.live)
    if evidence.state == "unreadable" or objects or facts.history.rows:
        return
    tracker = facts.history.state != "absent"
    failure = first_stop(facts)
    stop = (facts.label(failure.migration.id), failure.error) if failure else None
    yield Finding(
        cause="uninitialised",
        scope="environment",
        severity="info",
        summary=f"The database is empty: no application object, {'an empty' if tracker else 'no'} tracker. It was never initialised"
        + (f"; its first run will stop at {stop[0]}: {stop[1]}." if stop else "."),
        evidence=(
            Proof(
                source="schema",
                detail=evidence.problem or "no table, no view, no row of a tracker",
                ref=evidence.url or evidence.environment,
            ),
            *_tried(facts),
        ),
        confidence=0.99,
        would_overturn="Another file or address that this environment really uses.",
        remedy=f"Nothing as long as nobody needs it. Before its first run, repair {stop[0]}{see('chain-cannot-build', stop[0])}."
        if stop
        else "Nothing; run the migrations when the environment is needed.",
        prevention="None needed.",
    )


def _tried(facts: Facts) -> Iterator[Proof]:
    """Yield what the log tells of runs of which nothing is left."""
    steps = [item for item in announced(entries(facts)) if item.verb == "upgrade" and item.after]
    if steps:
        names = list(dict.fromkeys(name for item in steps for name in item.after))
        told = f"the log announces steps to {listing(names, 6)}"
        detail = f"{told}, but nothing of them is here: what fails in one transaction takes all of it back"
        yield Proof(source="log", detail=detail, ref=steps[0].event.ref)


RULE = Rule(cause="uninitialised", severity="info", question="Is the database simply empty?", check=check)
