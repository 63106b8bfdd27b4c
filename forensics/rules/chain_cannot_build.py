"""Replayed from empty, the chain fails by itself."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.blame import Blame, blame
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural

_HOW = {
    "dropped": "{} dropped it before",
    "made": "{} made it before",
    "never": "nothing in the chain creates it",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the first migration that fails when the chain runs alone, naming those that fail after it."""
    if facts.explanation is None:
        return
    copies = facts.explanation.copies()
    failures = [
        line
        for line in facts.explanation.reference.failures
        if line.migration not in facts.not_run
        and line.migration not in copies
        and not (facts.not_run and facts.unreplayed.explains(line))
    ]
    if not failures:
        return
    first = failures[0]
    label = facts.label(first.migration)
    statement = " ".join(first.failed.split())[:200]
    needs = facts.explanation.supplier(first)
    later = [facts.label(line.migration) for line in failures[1:]]
    why = None if needs else blame(facts.explanation.reference, first)
    because = f", because it needs {facts.label(needs)}, which comes after it" if needs else _because(facts, why)
    at = f"`{statement}`" if statement else label
    evidence = [Proof(source="replay", detail=f"from empty, {at} fails: {first.error}", ref=f"migration {label}")]
    if needs:
        evidence.append(
            Proof(
                source="replay",
                detail=f"it goes through once {facts.label(needs)}, which comes later, has run",
                ref=f"migration {facts.label(needs)}",
            )
        )
    if why is not None:
        detail = f"{why.kind} {why.name}: {_HOW[why.how].format(facts.label(why.migration))}"
        evidence.append(Proof(source="replay", detail=detail, ref=f"migration {facts.label(why.migration)}" if why.migration else ""))
    supplied = facts.explanation.reference.supplies.get(first.migration, ())
    if supplied:
        made = listing([step.group for step in supplied])
        detail = f"it goes through where something outside the chain has made {made}: the chain only works on a database that has drifted"
        evidence.append(Proof(source="replay", detail=detail, ref=f"migration {label}"))
    for line in failures[1:6]:
        name = facts.label(line.migration)
        said = _because(facts, blame(facts.explanation.reference, line))
        failed = " ".join(line.failed.split())[:120]
        where = f"{name} at `{failed}`" if failed else name
        evidence.append(Proof(source="replay", detail=f"{where}: {line.error}{said}", ref=f"migration {name}"))
    names = [line.migration for line in failures]
    yield Finding(
        cause="chain-cannot-build",
        scope="chain",
        severity="error",
        migrations=facts.labels(names),
        summary=f"The chain {facts.chain.path if facts.chain else ''} cannot build an empty database: {label} fails "
        + (f"at `{statement[:120]}` " if statement else "")
        + f"with `{first.error}`"
        + because
        + _nothing_left(facts)
        + (f"; {plural(len(later), 'later migration')} {'fails' if len(later) == 1 else 'fail'} too: {listing(later)}." if later else "."),
        evidence=tuple(evidence),
        confidence=0.97,
        would_overturn="A run of the migration tool from an empty database that goes through.",
        remedy=(
            f"For databases to come, let {facts.label(needs)} run before {label}"
            if needs
            else f"For databases to come, repair {label}"
        )
        + (f", and repair {listing(later)}" if later else "")
        + "; leave what has run elsewhere as it is.",
        prevention="Build an empty database from the chain in every test run.",
    )


def _because(facts: Facts, why: Blame | None) -> str:
    if why is None:
        return ""
    if why.how == "never":
        return f", because nothing in the chain creates the {why.kind} {why.name}"
    done = "dropped" if why.how == "dropped" else "made"
    return f", because {facts.label(why.migration)} has {done} the {why.kind} {why.name} already"


def _nothing_left(facts: Facts) -> str:
    """Say what a failure leaves where the tool runs everything in one transaction that covers DDL."""
    chain = facts.chain
    single = chain is not None and chain.tool == "alembic" and chain.hints.transaction != "per-migration"
    if single and facts.evidence.dialect == "postgresql":
        return ", and as all of it is one transaction nothing is left, although the log says that those before it ran"
    return ""


RULE = Rule(
    cause="chain-cannot-build",
    severity="error",
    question="Does the chain build an empty database?",
    check=check,
)
