"""Something still runs a chain that is no longer the active one: its statements are in the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from forensics.announced import Announced, announced, stamped
from forensics.identity import identities
from forensics.model import Event, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural
from forensics.rules.logged import GRAVE, entries, quoted, session_of, span, times, who
from forensics.rules.moments import contradictions, retired
from forensics.statements import Matched, Place, Statements, match

_SHOWN = 4


@dataclass(slots=True)
class _Traces:
    """What the log holds of one chain: statements by their text, and the steps that its runner announced."""

    statements: dict[str, list[Matched]] = field(default_factory=dict)
    steps: list[Announced] = field(default_factory=list)

    def events(self) -> list[Event]:
        """Return every entry."""
        return [item.event for found in self.statements.values() for item in found] + [item.event for item in self.steps]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each chain beside the active one whose statements or steps a log holds.

    What the application's own code or its models make is no trace of a runner, nor is what was logged while the other
    chain was still the active one.
    """
    source = facts.source
    if source is None or not (source.chain.archived or source.elsewhere or source.versions or source.beyond):
        return
    log = entries(facts)
    steps = announced(log)
    if not steps and not any(event.statement for event in log):
        return
    statements = Statements(source)
    matched = match(log, statements)
    own = _own(facts)
    hits = [item for item in matched if item.places and not item.active and not set(identities(item.statement)) <= own]
    foreign = [item for item in steps if item.verb != "stamp_revision" and _owners(item, statements)]
    runners = {session_of(item.event) for item in foreign}
    runners |= {session_of(event) for event in log if (version := stamped(event.statement)) and _stray(version, statements)}
    # A session that only creates is as likely the application at its start, which makes tables from its models.
    runners |= {session_of(item.event) for item in hits if any(it.verb != "create" for it in identities(item.statement))}
    hits = [item for item in hits if session_of(item.event) in runners]
    while hits or foreign:
        where = _best(hits, foreign, statements)
        traces = _Traces(steps=[item for item in foreign if where in _owners(item, statements)])
        for item in hits:
            if any(place.where == where for place in item.places):
                traces.statements.setdefault(" ".join(item.statement.split()), []).append(item)
        hits = [item for item in hits if all(place.where != where for place in item.places)]
        foreign = [item for item in foreign if where not in _owners(item, statements)]
        after = _after_retirement(facts, where, traces)
        if after.events():
            yield _finding(facts, statements, where, after, len(traces.events()) - len(after.events()))


def _own(facts: Facts) -> frozenset[object]:
    """Return what the application's code and models create by themselves."""
    if facts.explanation is None:
        return frozenset()
    subject = facts.explanation.subject
    texts = [*subject.models_ddl, *(item.sql for found in subject.sources.values() for item in found)]
    return frozenset(item for text in texts for item in identities(text))


def _owners(item: Announced, statements: Statements) -> list[str]:
    """Return where the revision of a step stands, nothing for one that the active chain has."""
    moved = item.after if item.verb == "upgrade" else item.before
    chains = statements.chains
    if not moved or any(version in chains["active"].by_version for version in moved):
        return []
    return [where for where, chain in chains.items() if all(version in chain.by_version for version in moved)]


def _stray(version: str, statements: Statements) -> bool:
    chains = statements.chains
    return version not in chains["active"].by_version and any(version in chain.by_version for chain in chains.values())


def _best(hits: Sequence[Matched], steps: Sequence[Announced], statements: Statements) -> str:
    """Return the chain that holds most of what was found; of several the one that is named first."""
    held: dict[str, set[object]] = {where: set() for where in statements.chains}
    for item in hits:
        for place in item.places:
            held.setdefault(place.where, set()).add(" ".join(item.statement.split()))
    for step in steps:
        for where in _owners(step, statements):
            held[where].add(step.after or step.before)
    return max(held, key=lambda where: len(held[where]))


def _after_retirement(facts: Facts, where: str, traces: _Traces) -> _Traces:
    limit = retired(facts, where)
    if limit is None:
        return traces

    def late(event: Event) -> bool:
        last = event.until or event.at
        return last is None or limit is None or last >= limit

    kept = {text: [item for item in found if late(item.event)] for text, found in traces.statements.items()}
    return _Traces(
        statements={text: found for text, found in kept.items() if found},
        steps=[item for item in traces.steps if late(item.event)],
    )


def _finding(facts: Facts, statements: Statements, where: str, traces: _Traces, earlier: int) -> Finding:
    chain = statements.chains.get(where)
    places: dict[str, tuple[Place, ...]] = {}
    proofs: list[Proof] = []
    ranked = sorted(traces.statements.items(), key=lambda pair: not any(it.event.level in GRAVE for it in pair[1]))
    for text, found in ranked:
        places[text] = _places(where, found, traces.steps)
    for text, found in ranked[:_SHOWN]:
        proofs += _statement_proofs(text, [item.event for item in found], places[text])
    if len(ranked) > _SHOWN:
        others = [item.event for _, found in ranked[_SHOWN:] for item in found]
        proofs.append(Proof(source="log", detail=f"and {plural(len(ranked) - _SHOWN, 'other statement')} of it, {span(others)}",
                            ref=others[0].ref))  # fmt: skip
    proofs += _step_proofs(traces.steps)
    active = statements.chains["active"]
    nothing = f"none of the {plural(len(active.migrations), 'migration')} of the active chain {active.path} contains "
    nothing += "any of these statements" if ranked else "any of these revisions"
    proofs.append(Proof(source="file", detail=nothing, ref=active.path))
    order = {item.id: number for number, item in enumerate(chain.migrations)} if chain else {}
    files = {place.migration: place for found in places.values() for place in found}
    for step in traces.steps:
        for item in chain.migrations if chain else ():
            if item.version in (step.after if step.verb == "upgrade" else step.before) and item.id not in files and not ranked:
                files[item.id] = Place(where=where, chain=chain.path if chain else where, migration=item.id,
                                       label=item.version, file=item.file or item.id, by="exact")  # fmt: skip
    blamed = sorted(files.values(), key=lambda place: order.get(place.migration, 0))
    events = traces.events()
    failed = [item.event for _, found in ranked for item in found if item.event.level in GRAVE]
    head = ranked[0][0] if ranked else ""
    whose = _whose(where, chain.path if chain else "")
    said = f"`{head[:120]}` of {listing([place.file for place in places[head]], 3)}" if head else (
        f"steps to {listing([version for item in traces.steps[:3] for version in item.after])}")  # fmt: skip
    count = times(failed or [item.event for item in traces.statements[head]]) if head else times([i.event for i in traces.steps])
    ends = "fails" if failed else "is logged"
    against = contradictions(facts, statements, where, [(text, places[text], [i.event for i in found]) for text, found in ranked])
    if earlier:
        against.append(Proof(source="log", detail=f"{plural(earlier, 'entry').replace('entrys', 'entries')} of the same are older than "
                             "the active chain, and do not count", ref=events[0].ref))  # fmt: skip
    return Finding(
        cause="stale-runner",
        scope="environment",
        severity="error",
        migrations=tuple(dict.fromkeys(place.label for place in blamed)),
        summary=f"Something still runs {whose}: {said} {ends} {plural(count, 'time')}, {span(failed or events)}, and nothing in the "
        f"active chain {active.path} contains it.",
        evidence=tuple(proofs),
        evidence_against=tuple(against),
        confidence=0.75 if any(item.source == "log" and "two databases" in item.detail for item in against) else 0.93,
        would_overturn="A deployed version of the active folder that contains these statements, or a person who typed them.",
        alternatives=_others(where, traces, places),
        remedy=f"Find what still carries that folder ({who(failed or events)}) and stop or rebuild it before anything else is "
        "repaired; then settle what the tracker should say.",
        prevention="When a chain is replaced, rebuild every image that carries the old folder, and let one job alone run migrations.",
    )


def _whose(where: str, path: str) -> str:
    kind, _, name = where.partition(":")
    return {"archived": f"the archived chain {path or name}", "foreign": f"the chain {path or name}"}.get(
        kind, f"migrations that only git knows ({name})"
    )


def _places(where: str, found: Sequence[Matched], steps: Sequence[Announced]) -> tuple[Place, ...]:
    """Return the migrations of one chain that a statement came from, the way forward before the way back.

    Where several contain it, the step that was announced last before it decides; else, of several that drop the same,
    the last one, as it is the one that finds nothing left to drop.
    """
    every = [place for place in found[0].places if place.where == where]
    here = [place for place in every if place.forward] or every
    if len(here) < 2:
        return tuple(here)
    named: set[str] = set()
    for item in found:
        before = [step for step in steps if _before(step.event, item.event)]
        if before:
            named |= set(before[-1].after)
    told = [place for place in here if place.label in named or place.migration in named]
    if told:
        return tuple(told)
    gone = all("does not exist" in item.event.message or "no such" in item.event.message for item in found)
    return (here[-1],) if gone and identities(found[0].statement)[0].verb == "drop" else tuple(here)


def _before(step: Event, event: Event) -> bool:
    if step is event:
        return True
    if step.at is None or event.at is None:
        return False
    return 0 <= (event.at - step.at).total_seconds() <= 60


def _statement_proofs(text: str, events: Sequence[Event], places: Sequence[Place]) -> Iterator[Proof]:
    bad = [event for event in events if event.level in GRAVE]
    shown = bad or list(events)
    did = "failed" if bad else "was executed"
    why = f": {quoted(bad[0]).partition(' (`')[0].partition('Z: ')[2] or bad[0].message.splitlines()[0]}" if bad else ""
    yield Proof(
        source="log",
        detail=f"`{text[:160]}` {did} {plural(times(shown), 'time')}, {span(shown)}{why[:200]} ({who(shown)})",
        ref=shown[0].ref,
    )
    for place in places[:2]:
        how = "word for word" if place.by == "exact" else "as an operation on the same object"
        way = "" if place.forward else ", on its way back"
        line = f":{place.line}" if place.line else ""
        yield Proof(source="file", detail=f"{place.file} of {place.chain} contains it {how}{way}", ref=f"{place.file}{line}")


def _step_proofs(steps: Sequence[Announced]) -> Iterator[Proof]:
    by_step: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Event]] = {}
    for item in steps:
        by_step.setdefault((item.verb, item.before, item.after), []).append(item.event)
    for (verb, before, after), events in list(by_step.items())[-3:]:
        move = f"Running {verb} {', '.join(before)} -> {', '.join(after)}"
        yield Proof(
            source="log",
            detail=f"`{move}` was announced {plural(times(events), 'time')}, {span(events)} (an attempt, not a result)",
            ref=events[0].ref,
        )


def _others(where: str, traces: _Traces, places: dict[str, tuple[Place, ...]]) -> tuple[str, ...]:
    found = {
        place.chain
        for items in traces.statements.values()
        for place in items[0].places
        if place.where != where
    }
    ways = [f"{text[:80]} stands in {listing([place.file for place in here])}" for text, here in places.items() if len(here) > 1]
    return (*(f"the same statements stand in {chain} too" for chain in sorted(found)), *ways[:2])


RULE = Rule(
    cause="stale-runner",
    severity="error",
    question="Does a log show statements that only an archived or another chain contains?",
    check=check,
)
