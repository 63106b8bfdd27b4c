"""The next run will fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from forensics.model import Finding, Proof
from forensics.rules.advice import see
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.logged import GRAVE, entries, failure_proofs
from forensics.wording import cause as in_plain_words

STARTS = re.compile(r"\b(start(s|ing|ed)?|boot(s|ing|ed)?|launch(es|ing|ed)?)\b", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the first pending migration that fails on a copy of the live schema."""
    if facts.explanation is None or facts.history.state == "absent":
        return
    failing = [item for item in facts.explanation.failures if item.when == "next-run"]
    if not failing:
        return
    first = failing[0]
    label = facts.label(first.migration.id)
    statement = " ".join(first.statement.split())[:200]
    evidence = [
        Proof(
            source="replay",
            detail=(
                f"run on a copy of the live schema: `{statement}` fails: {first.error}" if statement else first.error
            ),
            ref=first.migration.file or "",
        )
    ]
    evidence += failure_proofs(facts, first.statement, first.error)
    later = [facts.label(item.migration.id) for item in failing[1:]]
    if later:
        evidence.append(
            Proof(source="replay", detail=f"after it these would fail too: {listing(later, 12)}", ref="failures")
        )
    yield Finding(
        cause="pending-will-fail",
        scope="environment",
        severity="critical",
        migrations=(label,),
        summary=f"The next run will fail at {label}: {first.error}"
        + (f" at `{statement[:120]}`" if statement else "")
        + f" (cause: {first.cause}).",
        evidence=tuple(evidence),
        confidence=0.96,
        would_overturn="A change of the schema, or of the file, before the next run.",
        alternatives=(),
        remedy=f"Do not run migrations here{_starts(facts, first.error)}: the run would stop at {label}. Repair its cause first"
        + (f": {in_plain_words(first.cause)}{see(first.cause, label)}." if first.cause else "."),
        prevention="Run pending migrations on a copy of each environment before deploying them.",
    )


def _starts(facts: Facts, error: str) -> str:
    """Say that starting the application runs them, where the log shows a start that came to this very failure."""
    log = entries(facts)
    for place, event in enumerate(log):
        if event.level not in GRAVE or error not in event.message or event.at is None:
            continue
        for before in reversed(log[max(0, place - 12) : place]):
            near = before.at is not None and event.at - before.at <= timedelta(seconds=30)
            if near and STARTS.search(before.message):
                return f", and do not start the application, which may run them ({before.ref})"
    return ""


RULE = Rule(cause="pending-will-fail", severity="critical", question="Will the next run fail?", check=check)
