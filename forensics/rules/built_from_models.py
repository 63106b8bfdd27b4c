"""The schema was created from the application's models and stamped."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.story import Outside
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding where the models explain the schema and the recorded migrations do not."""
    explanation = facts.explanation
    if explanation is None:
        return
    steps = [
        line
        for line in explanation.played.told
        if isinstance(line.step, Outside) and explanation.from_models(line.step)
    ]
    if not steps:
        return
    parts = explanation.models_against_chain()
    objects = change_refs(parts)
    recorded = facts.labels([item.id for item in facts.migrations if item.id in facts.recorded])
    evidence = [
        Proof(
            source="models",
            detail="create_all of the models builds this schema, with its own spelling and column order",
            ref="models",
        ),
        Proof(
            source="replay",
            detail=f"the chain alone leaves {plural(explanation.baseline, 'difference')}",
            ref="explanation.baseline",
        ),
    ]
    if facts.history.rows:
        evidence.append(
            Proof(source="tracker", detail=f"stamped {listing(facts.history.versions)}", ref=facts.history.rows[0].ref)
        )
    if objects:
        evidence.append(
            Proof(
                source="replay",
                detail=f"models and chain part in {in_words(objects, 8)}",
                ref="replay",
            )
        )
    wide = [item for item in objects if item.state != "extra"]
    yield Finding(
        cause="built-from-models",
        scope="environment",
        severity="info",
        migrations=recorded,
        objects=objects,
        summary="The schema was created from the application's models and then stamped: no recorded migration ran here"
        + (f". Models and chain part in {plural(len(objects), 'object')}: {in_words(objects, 4)}." if objects else "."),
        evidence=tuple(evidence),
        confidence=0.95 if not wide else 0.9,
        would_overturn="A log of the migration tool from the time when this database was made.",
        remedy="Nothing is broken. Do not run the recorded migrations here.",
        prevention="Compare what the models and the chain build in a test, so that both kinds of database stay alike.",
    )


RULE = Rule(
    cause="built-from-models",
    severity="info",
    question="Was the schema created from the models and stamped?",
    check=check,
)
