"""What documents say of the chains that a tracker speaks of in place of the active one, and of the way back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forensics.conclusions.equivalence import Side, compare, failings
from forensics.conclusions.foreign import Verdict, distance
from forensics.conclusions.way_out import Measure, WayOut, way_out
from forensics.explain.reference import Reference
from forensics.explain.story import Outside, State
from forensics.model import Chain, Change, Group, Snapshot

if TYPE_CHECKING:
    from forensics.rules.facts import Facts

Document = dict[str, Any]


def foreign(facts: Facts) -> list[Document]:
    """Return for each recorded revision that belongs elsewhere the chains that know it, the one that fits best first.

    Each says which of its migrations ran here, whether it builds an empty database, and in what it differs from the
    active chain, object by object, with the migration that left the object as it is.
    """
    return [
        {"version": item.row.version, "chains": [_chain(facts, verdict) for verdict in item.verdicts]}
        for item in facts.foreign
        if item.kind == "foreign-chain" and item.verdicts
    ]


def _chain(facts: Facts, verdict: Verdict) -> Document:
    theirs, explanation, chain = verdict.facts, verdict.explanation, verdict.place.chain
    judged = _judged(facts, verdict)
    failures = failings(chain, explanation.reference, theirs.not_run)
    outside = [line.step for line in explanation.played.told if isinstance(line.step, Outside)]
    return {
        "path": chain.path,
        "kind": verdict.place.kind,
        "heads": [chain.label(name) for name in chain.heads],
        "migrations": [
            {
                "id": item.id,
                "version": item.version,
                "name": item.name,
                "file": item.file,
                "recorded": item.id in theirs.recorded,
                "executed": judged[item.id][0],
                "basis": judged[item.id][1],
            }
            for item in theirs.migrations
        ],
        "reconstructed": explanation.reconstructed,
        "outside": list(dict.fromkeys(step.group for step in outside)),
        "fits": _fits(facts, verdict),
        "builds_from_empty": None if theirs.not_run else not failures,
        "failures": [
            {
                "migration": item.migration,
                "file": item.file,
                "statement": " ".join(item.statement.split()),
                "error": item.error,
                "because": {
                    "how": item.because.how, "kind": item.because.kind, "name": item.because.name,
                    "migration": item.because.migration or None,
                }
                if item.because
                else None,
                "supplied": list(item.supplied),
            }
            for item in failures
        ],
        "difference": _difference(facts, verdict),
    }  # fmt: skip


def _fits(facts: Facts, verdict: Verdict) -> bool:
    """Whether this chain, and none other, explains the live schema."""
    return facts.elsewhere is not None and facts.elsewhere.place.chain.path == verdict.place.chain.path


def _judged(facts: Facts, verdict: Verdict) -> dict[str, tuple[str, str]]:
    """Return what ran of a chain, and from what that is told; what another chain made is none of its doing."""
    own, fits = facts.explanation, _fits(facts, verdict)
    equal = own is not None and verdict.distance[0] == distance(own)[0]
    found = {}
    for item in verdict.facts.migrations:
        said = verdict.facts.judged.get(item.id)
        answer, basis = (said.executed, said.basis) if said is not None else ("unknown", "none")
        if not fits and answer in ("yes", "partial"):
            answer, basis = ("unknown", "none") if equal else ("no", "schema")
        found[item.id] = (answer, basis)
    return found


def _difference(facts: Facts, verdict: Verdict) -> Document | None:
    """Return in what the active and the other chain differ, as built from nothing; None where the active one does not build."""
    own = facts.explanation
    if own is None or facts.chain is None or own.reference.failures or facts.not_run:
        return None
    dialect, theirs = facts.evidence.dialect or "", verdict.explanation.reference
    found = compare(
        _side(facts.chain, own.reference, own.reference.natural, dialect),
        _side(verdict.place.chain, theirs, theirs.final if theirs.failures else theirs.natural, dialect),
    )
    return {
        "changes": [
            _change(item, found.left.maker((item.expected or item.subject).key), found.right.maker((item.actual or item.subject).key))
            for item in found.changes
        ],
        "reordered": [
            {"table": mine.name, "active": _columns(mine), "other": _columns(other), "by": _appended(found.right, mine, other)}
            for mine, other in found.difference.reordered
        ],
    }


def _side(chain: Chain, reference: Reference, state: State, dialect: str) -> Side:
    makers = {key: chain.label(found[-1].migration) for key, found in reference.provenance.items() if found}
    groups = tuple(sorted(state.values(), key=lambda group: group.name.casefold()))
    return Side(name=chain.name, kind="chain", path=chain.path, snapshot=Snapshot(dialect=dialect, groups=groups), makers=makers)


def _change(item: Change, mine: str, theirs: str) -> Document:
    subject = item.subject
    return {
        "kind": subject.kind,
        "table": subject.table,
        "name": subject.name,
        "state": item.state,
        "attributes": [list(each) for each in item.attributes],
        "active_by": mine or None,
        "other_by": theirs or None,
    }


def _columns(group: Group) -> list[str]:
    found = sorted((item for item in group.objects if item.kind == "column"), key=lambda item: item.position or 0)
    return [item.name for item in found]


def _appended(side: Side, mine: Group, other: Group) -> list[str]:
    """Return the migrations of the other chain that made the columns which stand elsewhere in the active one."""
    places = {name: place for place, name in enumerate(_columns(mine))}
    made = {item.name: side.maker(item.key) for item in other.objects if item.kind == "column"}
    latest, found = -1, []
    for name in _columns(other):
        if name in places:
            found += [made[name]] if places[name] < latest else []
            latest = max(latest, places[name])
    return list(dict.fromkeys(filter(None, found)))


def leaving(facts: Facts) -> Document | None:
    """Return the way out for a tracker that stands on another chain, or None where it does not."""
    found = way_out(facts)
    return _leaving(found) if found is not None else None


def _leaving(found: WayOut) -> Document:
    return {
        "from": list(found.recorded),
        "to": list(found.heads),
        "statements": list(found.bridge.closing),
        "losing": list(found.bridge.losing),
        "rehearsed": {"passes": not found.bridge.error, "error": found.bridge.error or None},
        "steps": [_step(number, item) for number, item in enumerate(found.measures, 1)],
        "left": [{"what": what, "why": why} for what, why in found.left],
    }


def _step(number: int, item: Measure) -> Document:
    return {
        "number": number,
        "do": item.do,
        "command": item.command or None,
        "sql": list(item.sql),
        "risk": item.risk,
        "backup": item.backup,
        "verify": item.verify,
        "back": item.back,
        "undo": list(item.undo),
        "point_of_no_return": item.final,
    }
