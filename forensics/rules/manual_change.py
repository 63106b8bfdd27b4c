"""A difference that no migration explains."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.compare import changed
from forensics.explain.reference import apply
from forensics.explain.story import Outside, State
from forensics.model import Finding, Group, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, listing, named, plural

WHOLE = ("table", "view", "trigger", "index")
BY = {
    "application": "the application (its code holds the same DDL)",
    "models": "the application's models (`create_all`)",
    "person": "a person or a script",
    "unknown": "something outside the migrations",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each origin of outside changes, with every object and its place in the order."""
    if facts.explanation is None or (facts.history.state == "absent" and not facts.executed("yes", "partial")):
        return
    objects: dict[str, list[ObjectRef]] = {}
    places: dict[str, dict[str, list[tuple[ObjectRef, str]]]] = {}
    state: State = {}
    steps = facts.explanation.played.told
    for at, line in enumerate(steps):
        before = state
        state = apply(state, line)
        if not isinstance(line.step, Outside) or facts.explanation.from_models(line.step):
            continue
        refs = step_refs(before, line.changed)
        following = next((item.migration for item in steps[at + 1 :] if item.migration), "")
        place = (
            f"before {facts.label(following)} ran"
            if following
            else "after the last migration, or at a time that cannot be told"
        )
        objects.setdefault(line.step.origin, []).extend(refs)
        told = places.setdefault(line.step.origin, {}).setdefault(place, [])
        told += [(item, line.step.ref) for item in refs]
    proofs = {origin: _proofs(found) for origin, found in places.items()}
    if facts.explanation.residual:
        objects.setdefault("unknown", []).extend(change_refs(facts.explanation.residual))
        proofs.setdefault("unknown", []).append(
            Proof(source="replay", detail="left over by every story", ref="explanation.residual")
        )
    for origin in sorted(objects):
        yield _finding(facts, origin, objects[origin], proofs[origin])


def _proofs(places: dict[str, list[tuple[ObjectRef, str]]]) -> list[Proof]:
    """Return one piece of evidence for each place in the order, and one for the code that holds the same DDL."""
    found = []
    for place, told in places.items():
        detail = f"{in_words([item for item, _ref in told])}: made {place}"
        found.append(Proof(source="replay", detail=detail, ref="explanation.outside"))
        code = list(dict.fromkeys(ref for _item, ref in told if ref))
        if code:
            detail = f"the same DDL stands in the application's code ({plural(len(code), 'statement')})"
            found.append(Proof(source="source", detail=detail, ref=listing(code, 3)))
    return found


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


def _finding(facts: Facts, origin: str, refs: list[ObjectRef], proofs: list[Proof]) -> Finding:
    harmless = origin in ("application", "models") and not _in_the_way(facts, refs)
    shown = list(dict.fromkeys(named(item) for item in refs))
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
        severity="info" if harmless else "error",
        origin=origin,
        objects=tuple(dict.fromkeys(refs)),
        summary=f"{plural(len(shown), 'object')} changed outside the migrations by {BY[origin]}: {in_words(refs, 5)}."
        + (" Info only: the application makes them by itself, and no migration touches them." if harmless else ""),
        evidence=tuple(proofs[:12])
        + (
            (Proof(source="replay", detail=f"and {len(proofs) - 12} more", ref="explanation.outside"),)
            if len(proofs) > 12
            else ()
        ),
        evidence_against=against,
        confidence=0.95 if origin in ("application", "models") else 0.85,
        would_overturn="A migration, in git or in another branch, that makes the same change.",
        remedy="Adopt the change as a migration that checks before it acts, or revert it with its owner's approval; never drop it unseen.",
        prevention="Let only migrations change the schema: one role for DDL, and no CREATE TABLE at import."
        if origin in ("application", "models")
        else "Let only migrations change the schema, and write every hotfix as one.",
    )


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
