"""What the transactions that wrote the schema say for and against a finding (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from forensics.explain.attest import authors
from forensics.explain.engine import Explanation
from forensics.explain.physical import Physical
from forensics.explain.story import Outside
from forensics.model import Finding, ObjectRef, Proof, SchemaObject
from forensics.rules.facts import Facts, listing, named, plural

_ROWS = ("recorded-not-executed", "bulk-stamped")
_COLUMN = "pg_attribute.xmin"


def attested(facts: Facts, finding: Finding) -> Finding:
    """Return a finding with what the writers of its objects, or of its migrations' rows, say for and against it."""
    facts = facts.story
    explanation = facts.explanation
    physical = explanation.subject.physical if explanation is not None else None
    if explanation is None or physical is None or finding.scope != "environment":
        return finding
    if finding.cause == "manual-change":
        return _by_hand(facts, explanation, physical, finding)
    if finding.cause in _ROWS and facts.history.keeps != "head" and physical.speaks:
        return _by_rows(facts, explanation, physical, finding)
    return finding


def premade(facts: Facts) -> Iterator[Proof]:
    """Yield the evidence that the models made what migrations should have: before there was a tracker, or in no transaction of its rows."""
    explanation = facts.explanation
    physical = explanation.subject.physical if explanation is not None else None
    if explanation is None or physical is None or not physical.speaks or physical.tracker is None:
        return
    groups = _by_models(explanation)
    transaction = physical.together(groups)
    if not groups or (transaction in physical.recording and not physical.before_tracker(groups)):
        return
    when = physical.dated(transaction)
    how = f"in one transaction{f', committed at {when},' if when else ''}" if transaction else "in transactions"
    what = f"{plural(len(groups), 'table')} of the chain ({listing(groups, 4)}) {'was' if len(groups) == 1 else 'were'} made {how}"
    if physical.before_tracker(groups):
        detail = f"{what} before the tracker's table {physical.table} was made, so it was not there when they were made"
    else:
        detail = f"{what} that wrote no row of the tracker"
    yield Proof(source="transactions", detail=detail, ref=_COLUMN)
    beside = [name for name in _spare(facts) if (moment := physical.born(name)) is not None and moment[0] == transaction]
    were = "was" if len(beside) == 1 else "were"
    if transaction and beside:
        detail = f"{listing(beside, 4)}, which only the models have, {were} made in the same transaction"
        yield Proof(source="transactions", detail=detail, ref=_COLUMN)


def _by_models(explanation: Explanation) -> list[str]:
    """Return the tables that the models made in the story and the chain makes too, as they are called here."""
    live, chained = explanation.subject.live, explanation.reference.final
    steps = (line for line in explanation.played.told if isinstance(line.step, Outside) and explanation.from_models(line.step))
    names = dict.fromkeys(name for line in steps for name, _group in line.changed)
    return [live[name].name for name in names if name in live and name in chained]


def _spare(facts: Facts) -> list[str]:
    """Return the tables that are there, that the models have, and that no migration mentions."""
    explanation = facts.explanation
    if explanation is None:
        return []
    return [group.name for name, group in explanation.subject.live.items() if name in explanation.search.spare]


def against_premade(facts: Facts) -> tuple[Proof, ...]:
    """Return what the writers say against a schema that the models made: that they say nothing, or that the tool was there."""
    physical = facts.explanation.subject.physical if facts.explanation is not None else None
    if physical is None or not facts.history.rows:
        return ()
    if not physical.speaks:
        return (Proof(source="transactions", detail=f"no evidence from transactions: {physical.void}", ref=_COLUMN),)
    joined = [
        group.name
        for name, group in (facts.explanation.subject.live if facts.explanation else {}).items()
        if (moment := physical.born(name)) is not None and moment[0] in physical.recording
    ]
    if not joined:
        return ()
    detail = f"{listing(joined, 4)} and the tracker were written in one transaction"
    return (Proof(source="transactions", detail=detail, ref=_COLUMN),)


def _live(explanation: Explanation, item: ObjectRef) -> SchemaObject | None:
    group = explanation.subject.live.get((item.table or item.name).casefold())
    objects = group.objects if group is not None else ()
    return next((each for each in objects if (each.kind, each.name) == (item.kind, item.name)), None)


def _by_hand(facts: Facts, explanation: Explanation, physical: Physical, finding: Finding) -> Finding:
    """Add in which transactions the objects of a manual change were written."""
    there = [(item, live) for item in finding.objects if (live := _live(explanation, item)) is not None]
    if not there:
        return finding
    if not physical.speaks:
        told = Proof(source="transactions", detail=f"no evidence from transactions: {physical.void}", ref=_COLUMN)
        return replace(finding, evidence_against=(*finding.evidence_against, told))
    by = authors(explanation.played)
    chained: dict[int, set[str]] = {}
    for group in explanation.subject.live.values():
        for item in group.objects:
            moment = physical.wrote(item)
            if moment is not None and (author := by.get(item.key)):
                chained.setdefault(moment[0], set()).add(author)
    own: dict[str, list[str]] = {}
    joined: dict[str, list[str]] = {}
    for reference, item in there:
        moment = physical.wrote(item)
        if moment is None:
            continue
        if moment[0] in chained:
            names = facts.labels(sorted(chained[moment[0]], key=explanation.subject.order.__getitem__))
            joined.setdefault(listing(names, 4), []).append(named(reference))
        else:
            own.setdefault(_place(facts, physical, moment[0]), []).append(named(reference))
    evidence = tuple(
        Proof(source="transactions", detail=f"{listing(items, 4)}: written in a transaction of {_their(items)} own{place}", ref=_COLUMN)
        for place, items in own.items()
    )
    against = tuple(
        Proof(source="transactions", detail=f"{listing(items, 4)}: written in one transaction with what {names} made", ref=_COLUMN)
        for names, items in joined.items()
    )
    return replace(
        finding, evidence=(*finding.evidence, *evidence), evidence_against=(*finding.evidence_against, *against)
    )


def _their(items: list[str]) -> str:
    return "its" if len(items) == 1 else "their"


def _place(facts: Facts, physical: Physical, transaction: int) -> str:
    """Return where a transaction stands among those of the tracker's rows, in words."""
    when = physical.dated(transaction)
    dated = f" ({when})" if when else ""
    rows = sorted((moment[0], ref) for ref, moment in physical.rows.items())
    before = [ref for at, ref in rows if at < transaction]
    after = [ref for at, ref in rows if at > transaction]
    if facts.history.keeps == "head":
        where = "after the tracker was last written" if before and not after else "before the tracker was last written" if after else ""
    else:
        parts = [f"after the row {before[-1]}" if before else "", f"before the row {after[0]}" if after else ""]
        where = " and ".join(part for part in parts if part)
    return f"{dated}{f', {where}' if where else ''}"


def _by_rows(facts: Facts, explanation: Explanation, physical: Physical, finding: Finding) -> Finding:
    """Add which rows share their transaction with what their migrations made, where the rows of this tracker do that at all."""
    made: dict[int, set[str]] = {}
    by = authors(explanation.played)
    for group in explanation.subject.live.values():
        for item in group.objects:
            moment = physical.wrote(item)
            if moment is not None and (author := by.get(item.key)):
                made.setdefault(moment[0], set()).add(author)
    labels = {facts.label(item.id): item.id for item in facts.migrations}
    joined = {name for name in labels.values() if _joins(facts, physical, made, name)}
    own = [labels[label] for label in finding.migrations if label in labels]
    real = [name for name in own if name in joined]
    others = [name for name in labels.values() if name in joined and name not in own]
    against = list(finding.evidence_against)
    if real:
        detail = f"the rows of {facts.spans(real)} were written in one transaction with what these migrations made"
        against.append(Proof(source="transactions", detail=detail, ref=f"{physical.table}.xmin"))
    faked = [name for name in own if name not in joined and _alone(facts, physical, made, name)]
    evidence = list(finding.evidence)
    if faked and others:
        detail = (
            f"{_rows(faked)} of {facts.spans(faked)} {'shares its' if len(faked) == 1 else 'share their'} transaction with no object"
            f" of the schema, while {_rows(others)} of {facts.spans(others)} {'does' if len(others) == 1 else 'do'}"
        )
        evidence.append(Proof(source="transactions", detail=detail, ref=f"{physical.table}.xmin"))
    return replace(finding, evidence=tuple(evidence), evidence_against=tuple(against))


def _rows(names: Iterable[str]) -> str:
    return "the row" if len(list(names)) == 1 else "the rows"


def _moments(facts: Facts, physical: Physical, name: str) -> list[int]:
    return [physical.rows[match.row.ref][0] for match in facts.rows(name) if match.row.ref in physical.rows]


def _joins(facts: Facts, physical: Physical, made: dict[int, set[str]], name: str) -> bool:
    return any(name in made.get(at, ()) for at in _moments(facts, physical, name))


def _alone(facts: Facts, physical: Physical, made: dict[int, set[str]], name: str) -> bool:
    moments = _moments(facts, physical, name)
    return bool(moments) and not any(at in made for at in moments)
