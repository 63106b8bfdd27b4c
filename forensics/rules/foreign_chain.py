"""The recorded revision belongs to an archived or another chain."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.conclusions.foreign import Foreign, Verdict, alters, distance, gap, leftovers, reordered
from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded revision that another chain knows and the active one does not."""
    for item in facts.foreign:
        if item.kind == "foreign-chain":
            yield _finding(facts, item)


def _finding(facts: Facts, item: Foreign) -> Finding:
    version = item.row.version
    places = item.of("archived", "beside", "folder", "moved")
    first = places[0]
    whose = {"archived": "the archived chain", "beside": "another history in the same folder"}
    chains = listing([place.chain.path for place in places])
    evidence = [Proof(source="tracker", detail=f"recorded: {version}", ref=item.row.ref)]
    evidence += [
        Proof(source="git" if place.in_git else "file", detail=f"{version} stands {place.said}", ref=place.where)
        for place in places
    ]
    for verdict in item.verdicts[:3]:
        evidence.append(Proof(source="replay", detail=verdict_in_words(facts, verdict), ref=verdict.place.where))
    objects: tuple[ObjectRef, ...] = ()
    if facts.explanation is not None:
        objects = change_refs(gap(facts.explanation))
        if objects:
            detail = f"the live schema and what the active chain builds part in {in_words(objects, 6)}"
            evidence.append(Proof(source="replay", detail=detail, ref="replay"))
    several = f" That id stands in {len(places)} chains, and the id alone does not say which is meant." * (len(places) > 1)
    return Finding(
        cause="foreign-chain",
        scope="environment",
        severity="critical",
        migrations=(version,),
        objects=objects,
        summary=f"The tracker stands at {version!r}, which belongs to {whose.get(first.kind, 'another chain')} "
        f"{first.chain.path}: the active chain {facts.chain.path if facts.chain else ''} does not know it, so the tool "
        f"stops with \"Can't locate revision identified by '{version}'\" and runs nothing.{several} {_ran(facts, item)}".rstrip(),
        evidence=tuple(evidence),
        confidence=0.97 if item.best is not None and item.best.explanation.reconstructed else 0.93,
        would_overturn=f"The revision {version} in the active chain, or code that was deployed with another folder than {chains}.",
        alternatives=tuple(f"{version} of {place.chain.path}" for place in places[1:]),
        remedy=_remedy(facts),
        prevention="When a chain is replaced, stamp every environment in the same change, and ship no image with the old folder.",
    )


def verdict_in_words(facts: Facts, verdict: Verdict) -> str:
    """Return what another chain makes of the live schema."""
    other = verdict.facts
    path = verdict.place.chain.path
    if facts.explanation is not None and verdict.distance[0] > distance(facts.explanation)[0] and facts.elsewhere is None:
        return f"{path}: explains the live schema worse than the active chain does, and only with changes from outside"
    ran = [other.label(name) for name in other.executed("yes")]
    exact = "rebuilds the live schema exactly" if verdict.explanation.reconstructed else "does not rebuild the live schema"
    outside = verdict.explanation.best.cost
    extra = ", with changes from outside" if outside.outside else ""
    return f"{path}: {listing(ran, 8) or 'none of its revisions'} ran here for certain; its story {exact}{extra}"


def _ran(facts: Facts, item: Foreign) -> str:
    best = item.best
    if best is None or facts.explanation is None:
        return ""
    if facts.elsewhere is None:
        own = facts.labels(facts.executed("yes"))
        return (
            f"The schema contradicts it: it is what the active chain's {listing(own, 8)} made, and fits that chain only with "
            "changes from outside."
            if own
            else "The schema contradicts it: nothing tells that any revision of that chain ran here."
        )
    judged = best.facts.judged
    claimed = [name for name in judged if name in best.facts.recorded]
    ran = [name for name in claimed if judged[name].executed == "yes"]
    missing = [best.facts.label(name) for name in claimed if judged[name].executed in ("no", "partial")]
    if missing:
        return f"The schema contradicts it: of that chain {listing(missing)} did not run here."
    if ran:
        return f"The schema agrees: of that chain {listing([best.facts.label(name) for name in ran], 8)} did run here."
    return "Nothing in the schema tells whether that chain ran here."


def _remedy(facts: Facts) -> str:
    explanation = facts.explanation
    if explanation is None or facts.chain is None:
        return "Compare what both chains build before anything is stamped."
    heads = listing([facts.chain.label(name) for name in facts.chain.heads])
    if explanation.reference.failures:
        return "The active chain does not build from empty either: mend it first, then compare what both chains build."
    statements = alters(explanation)
    left = leftovers(explanation)
    order = reordered(explanation)
    said = f"Drop nothing and change nothing by hand. Back up the tracker's rows, then stamp {heads} (`alembic stamp --purge {heads}`)"
    if statements:
        said = (
            f"Drop nothing. Close the difference with {plural(len(statements), 'statement')}, each checked against the data "
            f"first: {' '.join(text.strip().rstrip(';') + ';' for text in statements)} Then back up the tracker's rows and "
            f"stamp {heads} (`alembic stamp --purge {heads}`){_dangers(statements)}"
        )
    elif not gap(explanation):
        said += ": the schema is already what that chain builds, so no data is touched"
    if left:
        said += f". {listing(left)}, which the active chain does not build, can stay until their owner decides"
    if order:
        said += f". The columns of {listing(order)} stand in another order, which is no reason to change anything"
    return said + "."


def _dangers(statements: tuple[str, ...]) -> str:
    words = [text.upper() for text in statements]
    said = ""
    if any("ADD COLUMN" in text and "NOT NULL" in text and "DEFAULT" not in text for text in words):
        said += ". A new column that is NOT NULL needs a value for the rows that are there before it can be made"
    if any("DROP COLUMN" in text for text in words):
        said += ". DROP COLUMN loses what the column holds, and is not needed for anything to run: keep a copy, or keep the column"
    return said


RULE = Rule(
    cause="foreign-chain",
    severity="critical",
    question="Does the recorded revision belong to another chain?",
    check=check,
)
