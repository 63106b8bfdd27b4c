"""The recorded revision belongs to an archived or another chain."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.conclusions.foreign import Foreign, Verdict, distance, gap, leftovers, reordered, strange
from forensics.conclusions.way_out import bridge
from forensics.explain.engine import Explanation
from forensics.history.announced import announced, unlocated
from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural
from forensics.rules.logged import entries, shown, span, times


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
    evidence += _came_about(facts, item, version)
    for verdict in item.verdicts[:3]:
        evidence.append(Proof(source="replay", detail=verdict_in_words(facts, verdict), ref=verdict.place.where))
    lost = [event for name, event in unlocated(entries(facts)) if name == version and not event.echo]
    lost = [event for event in lost if event.at is not None] or lost
    if lost:
        detail = f"\"Can't locate revision identified by '{version}'\" was logged {plural(times(lost), 'time')}, {span(lost)}"
        evidence.append(Proof(source="log", detail=detail, ref=lost[0].ref))
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


def _came_about(facts: Facts, item: Foreign, version: str) -> Iterator[Proof]:
    """Yield since when that chain is no longer the active one, and what in the log brought the tracker to its revision."""
    for place in item.places[:1]:
        names = {(each.file or "").rpartition("/")[2] for each in place.chain.migrations}
        left = [found for found in facts.versions if found.action in ("D", "R")]
        left = [found for found in left if (found.old_path or found.path).rpartition("/")[2] in names]
        move = max(left, key=lambda found: found.at, default=None)
        if move is not None:
            detail = f"that chain's files left the active folder at {shown(move.at)} ({move.subject})"
            yield Proof(source="git", detail=detail, ref=f"git:{move.commit[:12]}")
    moved = [step for step in announced(entries(facts)) if version in step.after and not step.failed and step.event.at]
    for step in moved[-1:]:
        assert step.event.at is not None
        line = f"`Running {step.verb} {', '.join(step.before)} -> {version}`"
        yield Proof(source="log", detail=f"{line} was logged at {shown(step.event.at)}", ref=step.event.ref)


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
    found = bridge(facts)
    if facts.explanation is None or facts.chain is None:
        return "Compare what both chains build before anything is stamped."
    if found is None:
        return "The active chain does not build from empty either: mend it first, then compare what both chains build."
    heads = listing([facts.chain.label(name) for name in facts.chain.heads])
    stamp = f"`alembic stamp --purge {heads}`"
    if not found.statements:
        return (
            f"Drop nothing and change nothing by hand. Back up the tracker's rows, then stamp {heads} ({stamp}): the schema is "
            f"already what the active chain builds, so no data is touched.{_left(facts.explanation)}"
        )
    said = "Drop nothing."
    if found.closing:
        said += f" {plural(len(found.closing), 'statement')} and a stamp suffice: {_shown(found.closing)}; then {stamp}."
    else:
        said += f" A stamp suffices: {stamp}."
    if found.borrowed:
        makers = listing(list(dict.fromkeys(found.borrowed.values())))
        said += f" The rows that are there get the default that {makers} of the other chain gives."
    if found.open:
        said += f" {listing(found.open)} must not be null, so the rows that are there need a value first."
    if found.losing:
        said += f" Not needed for anything to run, and the point of no return: {_shown(found.losing)}; keep a copy of what it drops"
        said += ", or leave it."
    went = f"this fails: {found.error}" if found.error else "it goes through"
    said += f" Rehearsed on a copy of the schema, {went}."
    return said + _left(facts.explanation)


def _shown(statements: tuple[str, ...]) -> str:
    return "; ".join(f"`{' '.join(text.split()).rstrip(';')}`" for text in statements)


def _left(explanation: Explanation) -> str:
    extra, order = (*leftovers(explanation), *strange(explanation)), reordered(explanation)
    said = f" {listing(extra)}, which the active chain does not build, can stay until their owner decides." if extra else ""
    return said + (f" The columns of {listing(order)} stand in another order, which is no reason to change anything." if order else "")


RULE = Rule(
    cause="foreign-chain",
    severity="critical",
    question="Does the recorded revision belong to another chain?",
    check=check,
)
