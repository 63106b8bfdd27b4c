"""A difference that no migration explains."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.compare import changed
from forensics.explain.engine import Explanation, differences
from forensics.explain.story import Outside, Played, State, apply
from forensics.model import Finding, Group, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural, ref
from forensics.sqltext import statement_target

# An origin, and what equally good stories say instead.
Whence = tuple[str, tuple[str, ...]]
TOLD = {"full": "ran whole", "partial": "ran only in part"}
WHOLE = ("table", "view", "materialized_view", "index", "trigger", "sequence", "enum", "domain", "function")
BY = {
    "application": "the application itself (its code holds the same DDL)",
    "models": "the application's models (`create_all`)",
    "person": "a person or a script",
    "unknown": "something outside the migrations",
}
WHO = {
    "application": "The application itself",
    "models": "The application's models (`create_all`)",
    "person": "Somebody",
    "unknown": "Something outside the migrations",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each origin of outside changes, with every object and its place in the order.

    What only has another name is no change. Objects of which an equally good story says something else have a finding of their own.
    """
    explanation = facts.explanation
    if explanation is None or (facts.history.state == "absent" and not facts.executed("yes", "partial")):
        return
    objects: dict[Whence, list[ObjectRef]] = {}
    places: dict[Whence, dict[str, list[tuple[ObjectRef, str]]]] = {}
    undone: dict[Whence, list[str]] = {}
    state = explanation.played.begin
    steps = explanation.played.told
    renamed = {identity(ref(item, "")) for pair in explanation.renamed() for item in pair}
    doubts = _doubts(facts, explanation)
    # What had to be there for a migration that drops it left no trace; it is told where the chain's own failure is.
    supplied = {step for steps in explanation.reference.supplies.values() for step in steps}
    for at, line in enumerate(steps):
        before = state
        state = apply(state, line)
        if not isinstance(line.step, Outside) or explanation.from_models(line.step) or line.step in supplied:
            continue
        refs = [
            item
            for item in step_refs(before, line.changed)
            if identity(item) not in renamed and not facts.unreplayed.covers(item.kind, item.table, item.name)
        ]
        following = next((item.migration for item in steps[at + 1 :] if item.migration), "")
        place = (
            f"before {facts.label(following)} ran"
            if following
            else "after the last migration, or at a time that cannot be told"
        )
        for item in refs:
            whence = (line.step.origin, tuple(said for said, outside in doubts if identity(item) not in outside))
            objects.setdefault(whence, []).append(item)
            places.setdefault(whence, {}).setdefault(place, []).append((item, line.step.ref))
            undone.setdefault(whence, []).extend(_undone(facts, item) if item.state == "missing" else ())
    proofs = {whence: _proofs(found) for whence, found in places.items()}
    left = [item for item in change_refs(explanation.residual) if not facts.unreplayed.covers(item.kind, item.table, item.name)]
    if left:
        whence = ("unknown", ())
        objects.setdefault(whence, []).extend(left)
        proofs.setdefault(whence, []).append(
            Proof(source="replay", detail="left over by every story", ref="explanation.residual")
        )
    for whence in sorted(objects):
        yield _finding(facts, whence, objects[whence], proofs[whence], places.get(whence, {}), undone.get(whence, []))


def identity(item: ObjectRef) -> tuple[str, str, str]:
    """Return by what references to one object are recognised."""
    return (item.kind, (item.table or "").casefold(), item.name.casefold())


def _doubts(facts: Facts, explanation: Explanation) -> list[tuple[str, frozenset[tuple[str, str, str]]]]:
    """Return, for each equally good story, what it says of migrations and which objects it leaves to changes from outside."""
    own = dict(explanation.search.told(explanation.best))
    found = []
    for tied in explanation.ties:
        theirs = dict(explanation.search.told(tied))
        said = [
            f"{facts.label(name)} {TOLD.get(theirs.get(name, ''), 'did not run')}"
            for name in explanation.subject.order
            if theirs.get(name) != own.get(name)
        ]
        found.append((listing(said), frozenset(_outside(explanation, tied.played))))
    return found


def _outside(explanation: Explanation, played: Played) -> Iterator[tuple[str, str, str]]:
    state = played.begin
    for line in played.told:
        if isinstance(line.step, Outside):
            yield from map(identity, step_refs(state, line.changed))
        state = apply(state, line)
    yield from map(identity, change_refs(differences(played.final, explanation.subject.live)))


def _proofs(places: dict[str, list[tuple[ObjectRef, str]]]) -> list[Proof]:
    """Return one piece of evidence for each place in the order, and one for the code that holds the same DDL."""
    found = []
    for place, told in places.items():
        detail = f"{_states([item for item, _ref in told])} {place}"
        found.append(Proof(source="replay", detail=detail, ref="explanation.outside"))
        code = list(dict.fromkeys(ref for _item, ref in told if ref))
        if code:
            detail = f"the same DDL stands in the application's code ({plural(len(code), 'statement')})"
            found.append(Proof(source="source", detail=detail, ref=listing(code, 3)))
    return found


def _states(refs: list[ObjectRef]) -> str:
    states: dict[str, list[ObjectRef]] = {}
    for item in refs:
        states.setdefault(item.state, []).append(item)
    return "; ".join(f"{in_words(items)}: {_VERBS.get(state, 'changed')}" for state, items in states.items())


def step_refs(before: State, changes: tuple[tuple[str, Group | None], ...]) -> list[ObjectRef]:
    """Return what an outside step changed; a table that it made or dropped as a whole stands for its columns."""
    refs: list[ObjectRef] = []
    for name, group in changes:
        was = before.get(name)
        pairs = [(old, new) for _key, old, new in sorted(changed(was, group), key=lambda item: item[0])]
        if was is None or group is None:
            pairs = [pair for pair in pairs if any(item and item.kind in WHOLE for item in pair)]
        refs += change_refs(pairs)
    return refs


Places = dict[str, list[tuple[ObjectRef, str]]]


def _finding(
    facts: Facts, whence: Whence, refs: list[ObjectRef], proofs: list[Proof], places: Places, undone: list[str]
) -> Finding:
    origin, doubts = whence
    harmless = origin in ("application", "models") and not _in_the_way(facts, refs)
    against: tuple[Proof, ...] = ()
    if origin == "unknown":
        against = (
            Proof(
                source="case", detail="no application code or models are named in the case, so they were not searched"
            ),
        )
    return Finding(
        cause="manual-change",
        scope="environment",
        severity="info" if harmless else "warning" if doubts else "error",
        origin=origin,
        objects=tuple(dict.fromkeys(refs)),
        summary=f"{_done(facts, origin, list(dict.fromkeys(refs)), places)}."
        + (" Info only: the application makes them by itself, and no migration touches them." if harmless else "")
        + (f" It may also be that {listing(doubts)}, so this is a warning." if doubts and not harmless else ""),
        evidence=tuple(proofs[:12])
        + (
            (Proof(source="replay", detail=f"and {len(proofs) - 12} more", ref="explanation.outside"),)
            if len(proofs) > 12
            else ()
        ),
        evidence_against=against,
        confidence=0.6 if doubts else 0.95 if origin in ("application", "models") else 0.85,
        would_overturn="A migration, in git or in another branch, that makes the same change.",
        alternatives=tuple(f"nothing outside the migrations touched them, but {said}" for said in doubts),
        remedy=_remedy(origin, refs, undone),
        prevention="Let only migrations change the schema: one role for DDL, and no CREATE TABLE at import."
        if origin in ("application", "models")
        else "Let only migrations change the schema, and write every hotfix as one.",
    )


_VERBS = {"extra": "created", "missing": "dropped", "altered": "changed"}


def _done(facts: Facts, origin: str, refs: list[ObjectRef], places: Places) -> str:
    """Return who did what: created, dropped and changed are told apart; the place in the order where it is one for all."""
    by_state: dict[str, list[ObjectRef]] = {}
    for item in refs:
        by_state.setdefault(item.state, []).append(item)
    told = [f"{_VERBS.get(state, 'changed')} {_things(items)}" for state, items in by_state.items()]
    when = f" {next(iter(places))}" if len(places) == 1 and next(iter(places)).startswith("before ") else ""
    files = list(dict.fromkeys(ref.rpartition(":")[0] or ref for found in places.values() for _item, ref in found if ref))
    where = f" ({listing(files, 3)})" if files and files != [origin] else ""
    hand = " by hand" if origin == "person" else ""
    return f"{WHO[origin]} {listing(told)}{hand}{when}{where}"


def _things(refs: list[ObjectRef]) -> str:
    """Return objects by name, or by kind and number where they are many."""
    if len(refs) <= 5:
        return in_words(refs, 5)
    kinds: dict[str, list[ObjectRef]] = {}
    for item in refs:
        kinds.setdefault(item.kind, []).append(item)
    return listing(
        [
            f"{plural(len(items), kind.replace('_', ' '))} ({listing([item.name for item in items], 4)})"
            for kind, items in kinds.items()
        ],
        6,
    )


def _undone(facts: Facts, item: ObjectRef) -> Iterator[str]:
    """Yield the statement that brings back an index or a trigger that is missing, as the chain spells it."""
    group = facts.explanation.reference.final.get((item.table or item.name).casefold()) if facts.explanation else None
    for text in group.source if group is not None and item.kind in ("index", "trigger", "view") else ():
        if statement_target(text).name.casefold() == item.name.casefold():
            yield " ".join(text.split())


def _remedy(origin: str, refs: list[ObjectRef], undone: list[str]) -> str:
    """Return what to do: something that is gone cannot be adopted, and something that is there is not dropped unseen."""
    gone = [item for item in refs if item.state == "missing"]
    there = [item for item in refs if item.state != "missing"]
    said = []
    if there:
        said.append(
            "Adopt what is there as a migration that checks before it acts, or take it away with its owner's approval; "
            "never drop it unseen."
        )
    if gone:
        again = f": {listing([f'`{text}`' for text in undone], 3)}" if undone else ""
        said.append(
            f"Ask who dropped {_things(gone)}, and why. If it was no decision, create it again{again}; if it was one, write it as "
            "a migration."
        )
    return " ".join(said)


def _in_the_way(facts: Facts, refs: list[ObjectRef]) -> bool:
    """Whether migrations write any of the tables that these objects are or belong to."""
    if facts.explanation is None:
        return False
    written = {key[1] or key[2] for key in facts.explanation.reference.provenance}
    return any((item.table or item.name).casefold() in written for item in refs)


RULE = Rule(
    cause="manual-change",
    severity="error",
    question="Is there a difference that no migration explains?",
    check=check,
)
