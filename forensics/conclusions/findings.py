"""Run the rules over the facts of one environment, and order, link and number what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forensics.model import SEVERITIES, Finding, Proof
from forensics.rules import rules
from forensics.rules.advice import settled
from forensics.rules.facts import Facts
from forensics.rules.writing import attested

# What commonly brings about what: the left contributes to the right where they share a migration or an object.
LEADS_TO = {
    "masked-create": ("partially-executed", "pending-will-fail", "recorded-not-executed", "chain-cannot-build"),
    "chain-cannot-build": (
        "partially-executed",
        "pending-will-fail",
        "bulk-stamped",
        "out-of-order",
        "recorded-not-executed",
    ),
    "unloadable-migration": ("pending-will-fail", "recorded-not-executed"),
    "duplicate-version": ("recorded-not-executed", "pending-will-fail"),
    "manual-change": ("masked-create", "pending-will-fail"),
    "bulk-stamped": ("recorded-not-executed", "partially-executed"),
    "recorded-not-executed": ("pending-will-fail",),
    "executed-not-recorded": ("pending-will-fail", "recorded-not-executed"),
}


# What is said of the story, which is another chain's where that explains the live schema better.
STORY = frozenset({
    "built-from-models", "executed-not-recorded", "leftover-object", "manual-change", "masked-create",
    "name-only-difference", "partially-executed", "recorded-not-executed",
})  # fmt: skip


def conclude(facts: Facts) -> tuple[Finding, ...]:
    """Return all findings, gravest first, numbered ``F1`` on, each with the ids of those that contribute to it."""
    found: list[Finding] = []
    other = facts.elsewhere
    # What the tracker stands on is named in any case, so that it cannot build is said in any case.
    stands = other or next((item.best for item in facts.foreign if item.kind == "foreign-chain" and item.best), None)
    for cause, rule in rules().items():
        if other is None or cause not in STORY:
            found += rule.check(facts)
        if other is not None and cause in STORY:
            found += rule.check(other.facts)
        if stands is not None and cause == "chain-cannot-build":
            found += rule.check(stands.facts)
    if _untouched(facts):
        found = [_at_rest(item) for item in found]
    found = [attested(facts, item) for item in found]
    return _numbered(facts, found)


def of_the_chain(facts: Facts) -> tuple[Finding, ...]:
    """Return what is true of the chain wherever it runs, at its own severity, also where it has run nowhere yet."""
    found = [item for rule in rules().values() for item in rule.check(facts)]
    return _numbered(facts, [item for item in found if item.scope == "chain"])


def _numbered(facts: Facts, found: list[Finding]) -> tuple[Finding, ...]:
    ranked = sorted(
        found,
        key=lambda item: (
            SEVERITIES.index(item.severity),
            item.scope != "environment",
            _place(facts, item),
            item.cause,
            item.migrations,
        ),
    )
    numbered = [replace(item, id=f"F{number}") for number, item in enumerate(ranked, 1)]
    numbers: dict[tuple[str, str], str] = {}
    for item in numbered:
        for label in item.migrations:
            numbers.setdefault((item.cause, label), item.id)
    return tuple(
        replace(
            item,
            contributing=tuple(_contributing(item, numbered)),
            summary=settled(item.summary, numbers),
            remedy=settled(item.remedy, numbers),
        )
        for item in numbered
    )


def _untouched(facts: Facts) -> bool:
    """Whether the chain has done nothing here, by the tracker's word or by the schema's."""
    return facts.explanation is not None and not facts.history.rows and not facts.executed("yes", "partial")


def _at_rest(item: Finding) -> Finding:
    """Return what is wrong with the chain as information: it has broken nothing in a database where it never ran."""
    if item.scope != "chain" or item.severity == "info":
        return item
    why = Proof(source="tracker", detail=f"no migration has run here, so this {item.severity} of the chain is only information")
    return replace(item, severity="info", evidence_against=(*item.evidence_against, why))


def _place(facts: Facts, finding: Finding) -> int:
    order = {facts.label(item.id): place for place, item in enumerate(facts.migrations)}
    return min((order.get(name, len(order)) for name in finding.migrations), default=len(order))


def _contributing(finding: Finding, others: Iterable[Finding]) -> Iterable[str]:
    for other in others:
        if finding.cause in LEADS_TO.get(other.cause, ()) and other.id != finding.id and _related(finding, other):
            yield other.id


def _related(one: Finding, other: Finding) -> bool:
    if set(one.migrations) & set(other.migrations):
        return True
    if other.cause == "executed-not-recorded" and _rows(one) & _rows(other):
        return True  # a row of the one number stands for the file that ran
    if other.cause != "manual-change":
        return False
    tables = {(item.table or item.name).casefold() for item in one.objects}
    return bool(tables & {(item.table or item.name).casefold() for item in other.objects})


def _rows(item: Finding) -> frozenset[str]:
    """Return the tracker's rows that the evidence of a finding names."""
    return frozenset(proof.ref for proof in item.evidence if proof.source == "tracker" and "=" in proof.ref)
