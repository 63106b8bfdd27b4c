"""Something still runs a chain that is no longer the active one: its statements are in the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from forensics.chain.identity import identities
from forensics.chain.statements import Matched, Place, Statements, match
from forensics.history.announced import Announced, announced, stamped, unlocated
from forensics.model import Chain, Event, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural
from forensics.rules.logged import GRAVE, entries, error_line, quoted, session_of, span, times, who, witness
from forensics.rules.moments import contradictions, replaced, retired

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
    for statements, where, traces, earlier in _found(facts):
        yield _finding(facts, statements, where, traces, earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A statement of a log that only another chain contains: which files hold it, and every entry that tells of it."""

    statement: str
    chain: str
    places: tuple[Place, ...]
    events: tuple[Event, ...]
    failed: bool


def matches(facts: Facts) -> tuple[Match, ...]:
    """Return every statement that speaks for a finding of this rule, those that failed first."""
    return tuple(
        Match(statement=text, chain=chain.path if chain else where, places=places, events=tuple(bad or events), failed=bool(bad))
        for statements, where, traces, _earlier in _found(facts)
        for chain in [statements.chains.get(where)]
        for text, found in _ranked(traces)
        for places in [_places(where, found, traces.steps)]
        for events in [[item.event for item in found]]
        for bad in [[event for event in events if event.level in GRAVE]]
    )


def _ranked(traces: _Traces) -> list[tuple[str, list[Matched]]]:
    # The gravest statement speaks for all: one that failed, else the first.
    return sorted(traces.statements.items(), key=lambda pair: not any(it.event.level in GRAVE for it in pair[1]))


def _found(facts: Facts) -> Iterator[tuple[Statements, str, _Traces, int]]:
    """Yield each chain with its traces in the log, and how many were left out as older than the active chain."""
    source = facts.source
    if source is None or not (source.chain.archived or source.elsewhere or source.versions or source.beyond):
        return
    log = [event for event in entries(facts) if not event.echo]
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
            if any(_group(place) == where for place in item.places):
                traces.statements.setdefault(" ".join(item.statement.split()), []).append(item)
        hits = [item for item in hits if all(_group(place) != where for place in item.places)]
        foreign = [item for item in foreign if where not in _owners(item, statements)]
        after = _after_retirement(facts, where, traces)
        if after.events():
            yield statements, where, after, len(traces.events()) - len(after.events())


def _group(place: Place) -> str:
    """Return the chain that a place belongs to; texts that only git holds are one, whatever their commits."""
    return "git" if place.where.startswith("git:") else place.where


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
            held.setdefault(_group(place), set()).add(" ".join(item.statement.split()))
    for step in steps:
        for where in _owners(step, statements):
            held[where].add(step.after or step.before)
    return max(held, key=lambda where: len(held[where]))


def _after_retirement(facts: Facts, where: str, traces: _Traces) -> _Traces:
    limit = retired(facts, where)

    def late(event: Event, places: Sequence[Place] = ()) -> bool:
        last = event.until or event.at
        since = replaced(facts, [place for place in places if _group(place) == where]) if where == "git" else limit
        return last is None or since is None or last >= since

    kept = {text: [it for it in found if late(it.event, it.places)] for text, found in traces.statements.items()}
    return _Traces(
        statements={text: found for text, found in kept.items() if found},
        steps=[item for item in traces.steps if late(item.event)],
    )


def _finding(facts: Facts, statements: Statements, where: str, traces: _Traces, earlier: int) -> Finding:
    ranked = _ranked(traces)
    places = {text: _places(where, found, traces.steps) for text, found in ranked}
    head = ranked[0][0] if ranked else ""
    shown = [item.event for item in ranked[0][1]] if ranked else [item.event for item in traces.steps]
    failed = [event for event in shown if event.level in GRAVE] if ranked else []
    shown = failed or shown
    best = witness(shown)
    against = contradictions(facts, statements, where, [(text, places[text], [it.event for it in found]) for text, found in ranked])
    if earlier:
        detail = f"not counted: {plural(earlier, 'line')} of the same from before the active chain took over"
        against.append(Proof(source="log", detail=detail, ref=shown[0].ref))
    chain, active = statements.chains.get(where), statements.chains["active"]
    said = f"`{head[:120]}` of {listing([place.file for place in places[head]], 3)}" if head else ""
    said = said or f"steps to {listing([version for item in traces.steps[:3] for version in item.after])}"
    did = "fails" if failed else "is logged" if head else "are announced"
    return Finding(
        cause="stale-runner",
        scope="environment",
        severity="error",
        migrations=_blamed(chain, traces, places),
        summary=f"Something still runs {_whose(where, chain.path if chain else '')}: {said} {did} {plural(times(shown), 'time')}, "
        f"{span(best)}, and nothing in the active chain {active.path} contains {'it' if head else 'them'}.",
        evidence=tuple(_proofs(facts, active, ranked, places, traces.steps)),
        evidence_against=tuple(against),
        confidence=0.75 if any("two databases" in item.detail for item in against) else 0.93,
        would_overturn="A deployed version of the active folder that contains these statements, or a person who typed them.",
        alternatives=_others(where, traces, places),
        remedy=f"Find what still carries {_whose(where, chain.path if chain else '')} (who it was stands in the evidence) and stop or "
        "rebuild it before anything else is repaired; then settle what the tracker should say.",
        prevention="When a chain is replaced, rebuild every image that carries the old folder, and let one job alone run migrations.",
    )


def _blamed(chain: Chain | None, traces: _Traces, places: Mapping[str, Sequence[Place]]) -> tuple[str, ...]:
    """Return the migrations that the statements came from, in their chain's order; without statements, the steps."""
    order = {item.id: number for number, item in enumerate(chain.migrations)} if chain else {}
    found = {place.migration: place.label for here in places.values() for place in here}
    if not found and chain is not None:
        moved = {version for step in traces.steps for version in (step.after if step.verb == "upgrade" else step.before)}
        found = {item.id: chain.label(item.id) for item in chain.migrations if item.version in moved}
    ranked = sorted(found, key=lambda name: order.get(name, 0))
    return tuple(dict.fromkeys(found[name] for name in ranked))


def _proofs(
    facts: Facts,
    active: Chain,
    ranked: Sequence[tuple[str, list[Matched]]],
    places: Mapping[str, Sequence[Place]],
    steps: Sequence[Announced],
) -> Iterator[Proof]:
    for text, found in ranked[:_SHOWN]:
        yield from _statement_proofs(text, [item.event for item in found], places[text])
    if rest := [item.event for _, found in ranked[_SHOWN:] for item in found]:
        detail = f"and {plural(len(ranked) - _SHOWN, 'other statement')} of it, {span(rest)}"
        yield Proof(source="log", detail=detail, ref=rest[0].ref)
    yield from _step_proofs(steps)
    looked = plural(len(active.migrations), "migration")
    what = "statements" if ranked else "revisions"
    yield Proof(source="file", detail=f"the active chain {active.path} ({looked}) contains none of these {what}", ref=active.path)
    for version, event in unlocated(entries(facts)):
        if version in active.by_version:
            detail = f"{quoted(event)}: the active chain has {version}, so what ran there carries another folder"
            yield Proof(source="log", detail=detail, ref=event.ref)
            return


def _whose(where: str, path: str) -> str:
    kind, _, name = where.partition(":")
    said = {"archived": f"the archived chain {path or name}", "foreign": f"the chain {path or name}"}
    return said.get(kind, "migrations, or texts of them, that only git knows")


def _places(where: str, found: Sequence[Matched], steps: Sequence[Announced]) -> tuple[Place, ...]:
    """Return the migrations of one chain that a statement came from, the way forward before the way back.

    Where several contain it, the step that was announced last before it decides; else, of several that drop the same,
    the last one, as it is the one that finds nothing left to drop.
    """
    every = [place for place in found[0].places if _group(place) == where]
    here = [place for place in every if place.forward] or every
    if len(here) < 2:
        return tuple(here)
    named: set[str] = set()
    found = [item for item in found if item.event.level in GRAVE] or found
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
    best = witness(shown)
    why = f": {error_line(best[0])}" if bad else ""
    yield Proof(
        source="log",
        detail=f"`{text[:160]}` {did} {plural(times(shown), 'time')}, {span(best)}{why[:200]} ({who(shown)})",
        ref=best[0].ref,
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


def _others(where: str, traces: _Traces, places: Mapping[str, Sequence[Place]]) -> tuple[str, ...]:
    found = {
        place.chain
        for items in traces.statements.values()
        for place in items[0].places
        if _group(place) != where
    }
    ways = [f"{text[:80]} stands in {listing([place.file for place in here])}" for text, here in places.items() if len(here) > 1]
    return (*(f"the same statements stand in {chain} too" for chain in sorted(found)), *ways[:2])


RULE = Rule(
    cause="stale-runner",
    severity="error",
    question="Does a log show statements that only an archived or another chain contains?",
    check=check,
)
