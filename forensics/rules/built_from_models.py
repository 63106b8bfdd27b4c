"""The schema was created from the application's models and stamped."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.sight import words
from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural
from forensics.rules.writing import against_premade, premade


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding where the models explain the schema and the recorded migrations do not."""
    explanation = facts.explanation
    if explanation is None or not explanation.by_models:
        return
    objects = _whole(change_refs(explanation.models_against_chain()))
    names = [item.id for item in facts.migrations if item.id in facts.recorded]
    others = [name for name in names if name in facts.executed("yes", "partial")]
    recorded = facts.labels([name for name in names if name not in others])
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
        *premade(facts),
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
    # What some migration drops or alters is in the way of whoever runs it; what none knows the application makes everywhere.
    mattering = bool(facts.history.rows) and any(item.kind == "table" and item.state == "extra" and _known(facts, item) for item in objects)
    said = f"of the recorded ones only {facts.spans(others)} ran here" if others else "no recorded migration ran here"
    stamped = f" and then stamped: {said}" if facts.history.rows else ": no migration ran here"
    parting = f" Models and chain part in {plural(len(objects), 'object')}: {in_words(objects, 4)}." if objects else ""
    if parting and not mattering and facts.history.rows:
        parting += " No migration, active or archived, mentions a table that only the models have, so this is information only."
    yield Finding(
        cause="built-from-models",
        scope="environment",
        severity="warning" if mattering else "info",
        migrations=recorded,
        objects=objects,
        summary=f"The schema was created from the application's models{stamped}.{parting}",
        evidence=tuple(evidence),
        evidence_against=against_premade(facts),
        confidence=0.95 if not wide else 0.9,
        would_overturn="A log of the migration tool from the time when this database was made.",
        remedy="Nothing is broken. Do not run the recorded migrations here."
        + (" Bring the models and the chain to one schema: the next migration may meet what only one of them has." if mattering else ""),
        prevention="Compare what the models and the chain build in a test, so that both kinds of database stay alike.",
    )


def _whole(refs: tuple[ObjectRef, ...]) -> tuple[ObjectRef, ...]:
    """Return references without the columns and constraints of tables that are there, or not there, as a whole."""
    tables = {(item.name.casefold(), item.state) for item in refs if item.kind == "table" and item.state != "altered"}
    return tuple(
        item
        for item in refs
        if item.kind in ("table", "index", "trigger") or ((item.table or "").casefold(), item.state) not in tables
    )


def _known(facts: Facts, item: ObjectRef) -> bool:
    """Whether any migration, also of an archived chain, mentions the table of an object."""
    chains = [facts.chain, *(facts.chain.archived if facts.chain else ())]
    name = (item.table or item.name).casefold()
    return any(name in words(each.content.text) for chain in chains if chain for each in chain.migrations)


RULE = Rule(
    cause="built-from-models",
    severity="info",
    question="Was the schema created from the models and stamped?",
    check=check,
)
