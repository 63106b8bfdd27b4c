"""Something used an object before the migration that creates it was done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from forensics.chain.identity import identities
from forensics.chain.statements import Place, Statements
from forensics.history.announced import announced, stamped
from forensics.model import Event, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural
from forensics.rules.logged import GRAVE, entries, error_line, file_of, quoted, session_of, shown, times, who, witness
from forensics.sqltext import name_key

# A use so long before the migration met no race in time: the code was simply there without its migration.
_LONG = 3600.0
_NAME = r"[\"'`]?(?:[\w$]+\.)?(?P<name>[^\"'`\s:,;]+)[\"'`]?"
_MISSING = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?<!of )\b(?:relation|table|view) {_NAME} does(?: not|n't) exist",
        rf"no such table: {_NAME}",
    )
)
_COLUMN = re.compile(
    r"column \"(?P<column>[^\"]+)\" of relation \"(?:[\w$]+\.)?(?P<table>[^\"]+)\" does not exist|"
    r"no such column: (?P<owner>[A-Za-z_]\w*)\.(?P<name>\w+)|column (?P<of>[a-z_]\w*)\.(?P<it>\w+) does not exist",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """When a migration was at work: since ``began``, and until ``at`` if anything tells."""

    began: Event | None
    at: datetime
    proof: Proof
    certain: bool
    made: Event | None = None


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration whose objects were used before it was done.

    An object that is not there now either was not raced for: it is missing. Errors of the migrations themselves, and
    those that only follow from another error, do not count; without a time of both there is no finding.
    """
    source, snapshot = facts.source, facts.evidence.snapshot
    log = entries(facts)
    if source is None or snapshot is None or not any(event.level in GRAVE for event in log):
        return
    uses = _uses(log)
    if not uses:
        return
    statements = Statements(source)
    found: dict[tuple[str, str], list[tuple[str, list[Event]]]] = {}
    makers: dict[tuple[str, str], Place] = {}
    for (kind, table, name), events in uses.items():
        if not _there(facts, kind, table, name):
            continue
        place = next(iter(_makers(facts, statements, kind, table, name)), None)
        if place is not None:
            makers[place.where, place.migration] = place
            found.setdefault((place.where, place.migration), []).append((f"{table}.{name}" if table else name, events))
    for key, objects in found.items():
        place = makers[key]
        done = _done(facts, log, place, {name.rpartition(".")[2] for name, _ in objects})
        if done is not None and (finding := _finding(facts, place, objects, done)):
            yield finding


def _uses(log: Sequence[Event]) -> Mapping[tuple[str, str, str], list[Event]]:
    """Return the errors that say of an object that it is missing, by the object (kind, table, name)."""
    running = {session_of(event) for event in log if event.session and (identities(event.statement) or stamped(event.statement))}
    found: dict[tuple[str, str, str], list[Event]] = {}
    for event in log:
        if event.level not in GRAVE or event.echo or event.at is None:
            continue
        if identities(event.statement) or session_of(event) in running or "Running upgrade" in event.message:
            continue
        about = _missing(event.message)
        if about:
            found.setdefault(about, []).append(event)
    return found


def _missing(message: str) -> tuple[str, str, str] | None:
    if match := _COLUMN.search(message):
        table = match["table"] or match["owner"] or match["of"]
        return "column", name_key(table), name_key(match["column"] or match["name"] or match["it"])
    for pattern in _MISSING:
        if match := pattern.search(message):
            return "table", "", name_key(match["name"])
    return None


def _there(facts: Facts, kind: str, table: str, name: str) -> bool:
    """Whether the object is in the live schema."""
    snapshot = facts.evidence.snapshot
    assert snapshot is not None
    group = snapshot.by_name.get((table or name).casefold())
    if group is None:
        short = {other.rpartition(".")[2]: item for other, item in snapshot.by_name.items()}
        group = short.get((table or name).casefold())
    if group is None or kind == "table":
        return group is not None
    return any(item.kind == "column" and item.name.casefold() == name for item in group.objects)


def _makers(facts: Facts, statements: Statements, kind: str, table: str, name: str) -> list[Place]:
    """Return the migrations that create an object, those of the chain that the tracker speaks of first."""
    if kind == "column":
        places = statements.added_by(table, name) or statements.made_by("table", table)
    else:
        places = statements.made_by("table", name) or statements.made_by("view", name)
    versions = facts.history.versions
    known = {where for where, chain in statements.chains.items() if any(item in chain.by_version for item in versions)}
    return sorted(places, key=lambda place: (place.where not in known, place.where != "active"))


def _done(facts: Facts, log: Sequence[Event], place: Place, names: set[str]) -> _Done | None:
    """Return when a migration was done, by its row, its announcement, or its own statement in the log."""
    version = place.label
    began: list[Event] = []
    for item in announced(log):
        if item.verb == "upgrade" and version in item.after and not item.failed and item.event.at is not None:
            began.append(item.event)
    for event in log:
        went = event.at is not None and event.level not in GRAVE
        if went and any(it.verb in ("create", "add") and it.name in names for it in identities(event.statement)):
            began.append(event)
    began.sort(key=lambda event: (event.at is None, event.at))
    stamps = [event for event in log if stamped(event.statement) == version and event.at and event.level not in GRAVE]
    if stamps:
        last = stamps[-1]
        assert last.at is not None
        proof = Proof(
            source="log",
            detail=f"{version} was done, and its row written, not before {shown(last.at)}{_ended(log, last)}",
            ref=last.ref,
        )
        made = _began([event for event in began if event.statement], last.at)
        return _Done(began=_began(began, last.at), at=last.at, proof=proof, certain=True, made=made)
    row = next((row for row in facts.history.rows if row.version in (version, place.migration) and row.recorded_at), None)
    if row is not None and row.recorded_at is not None:
        proof = Proof(source="tracker", detail=f"{version} is recorded as done at {shown(row.recorded_at)}", ref=row.ref)
        return _Done(began=_began(began, row.recorded_at), at=row.recorded_at, proof=proof, certain=True)
    if not began:
        return None
    last = began[-1]
    assert last.at is not None
    detail = f"{version} was still at work at {shown(last.at)}: {error_line(last)[:120]}"
    return _Done(began=_began(began, last.at), at=last.at, proof=Proof(source="log", detail=detail, ref=last.ref), certain=False)


def _ended(log: Sequence[Event], last: Event) -> str:
    """Say when the session of a migration ended: others see what it made once its transaction is committed, no later than that."""
    own = [event for event in log if session_of(event) == session_of(last) and event.at and last.at and event.at > last.at]
    end = next((event for event in own if event.message.startswith("disconnection: ")), None)
    return f"; its session ended at {shown(end.at)}, so it was committed between the two" if end and end.at else ""


def _began(began: Sequence[Event], done: datetime) -> Event | None:
    """Return the beginning of the run that was done at a time: the first sign of it within the hour before."""
    near = [event for event in began if event.at is not None and 0 <= (done - event.at).total_seconds() <= _LONG]
    return near[0] if near else None


def _finding(facts: Facts, place: Place, objects: Sequence[tuple[str, list[Event]]], done: _Done) -> Finding | None:
    early = [event for _, events in objects for event in events if event.at is not None and event.at < done.at]
    late = [event for _, events in objects for event in events if event.at is not None and event.at >= done.at]
    if not early:
        return None
    early.sort(key=lambda event: (event.at is None, event.at))
    first, last = early[0], witness(early)[-1]
    assert first.at is not None
    assert last.at is not None
    gap, least = ((done.at - at).total_seconds() for at in (first.at, last.at))
    names = listing([name for name, events in objects if any(event in early for event in events)])
    columns = all("." in name for name, _ in objects)
    noun = plural(len(objects), "column" if columns else "table").partition(" ")[2]
    verb = "was" if len(objects) == 1 else "were"
    far = least > _LONG
    proofs = [Proof(source="log", detail=f"first use: {quoted(first)} ({who([first])})", ref=first.ref)]
    others = [event for event in early if file_of(event) != file_of(first)]
    proofs += [Proof(source="log", detail=f"told by another log too: {quoted(others[0])}", ref=others[0].ref)] if others else []
    if last.at != first.at:
        detail = f"told {plural(times(early), 'time')}, the last one {_seconds(least)} before it was done: {quoted(last)}"
        proofs.append(Proof(source="log", detail=detail, ref=last.ref))
    if done.began is not None and done.began.at is not None:
        when = "after" if done.began.at > first.at else "before"
        detail = f"{place.label} had begun {_seconds(abs((done.began.at - first.at).total_seconds()))} {when} the first use: "
        proofs.append(Proof(source="log", detail=detail + quoted(done.began)[:160], ref=done.began.ref))
    if done.made is not None and done.made.at is not None and done.made is not done.began:
        detail = f"{names} was created at {shown(done.made.at)}, and others see it only once that transaction is committed"
        proofs.append(Proof(source="log", detail=detail, ref=done.made.ref))
    proofs.append(done.proof)
    line = f":{place.line}" if place.line else ""
    proofs.append(Proof(source="file", detail=f"{place.file} creates {names}", ref=f"{place.file}{line}"))
    against = [Proof(source="log", detail=f"the same error after it was done: {quoted(late[0])}", ref=late[0].ref)] if late else []
    at_least = "" if done.certain else "at least "
    return Finding(
        cause="race",
        scope="environment",
        severity="warning" if far else "error",
        migrations=(facts.label(place.migration) if place.where == "active" else place.label,),
        summary=f"{noun[0].upper()}{noun[1:]} {names} {verb} used at {shown(first.at)}, {at_least}{_seconds(gap)} before "
        f"migration {place.label}, which creates {'it' if verb == 'was' else 'them'}, was done ({shown(done.at)})."
        + (" Only a warning, as so long a gap is no race in time: the code was there without its migration." if far else ""),
        evidence=tuple(proofs),
        evidence_against=tuple(against),
        confidence=0.6 if late or far else 0.93 if done.certain else 0.88,
        would_overturn="Logs whose clocks differ by more than the gap, or an error that another database gave.",
        remedy="Nothing in the schema: the object is there now. Run again what failed, and let it wait for the migration to end.",
        prevention="Start what needs the schema only after the migration job has ended with success, not beside it.",
    )


def _seconds(value: float) -> str:
    if value < 60:
        return f"{value:.3f}".rstrip("0").rstrip(".") + " s"
    minutes, seconds = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


RULE = Rule(
    cause="race",
    severity="error",
    question="Was an object used before the migration that creates it was done?",
    check=check,
)
