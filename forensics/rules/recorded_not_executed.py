"""The tracker says applied; the schema shows none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.history.assignment import RowMatch
from forensics.model import Finding, Proof
from forensics.rules.advice import execute, failed_in_log
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, in_words, listing, plural, trace_refs
from forensics.rules.logged import quoted

_NOTE = re.compile(r"ran as (\S+), stands as (\S+) now")


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each run of neighbouring migrations that are recorded and did not run."""
    if facts.explanation is not None and facts.explanation.by_models:
        return  # made from the models and stamped: nobody claimed that they ran
    block: list[str] = []
    copies = facts.explanation.copies() if facts.explanation else {}
    for name in [item.id for item in facts.migrations if item.id not in copies]:
        answer = facts.judged.get(name)
        if answer is None or (answer.executed == "unknown" and block):
            continue
        if answer.executed == "no" and name in facts.recorded and not facts.tie_differs(name):
            if block and bool(strangers(facts, block[-1])) != bool(strangers(facts, name)):
                yield _finding(facts, block)
                block = []
            block.append(name)
        elif block and name in facts.recorded:
            yield _finding(facts, block)
            block = []
        if name in facts.recorded and answer.executed == "no" and facts.tie_differs(name):
            yield _finding(facts, [name])
    if block:
        yield _finding(facts, block)


def strangers(facts: Facts, name: str) -> tuple[RowMatch, ...]:
    """Return the rows of a migration's version that have the checksum of another file: they never spoke of it."""
    return tuple(
        match
        for match in facts.rows(name)
        if match.by == "checksum" and match.migration_id != name and name in facts.claims(match)
    )


def _finding(facts: Facts, names: list[str]) -> Finding:
    live = facts.live()
    labels = facts.labels(names)
    evidence: list[Proof] = []
    against: list[Proof] = []
    for name in names:
        if not strangers(facts, name):
            evidence += facts.tracker_proofs(name)
        effects = facts.judged[name].effects
        gone = trace_refs(facts.signature(name), live)
        told = f": {in_words([item for item in gone if item.state == 'missing'])}" if gone else ""
        if effects.expected:
            detail = f"{facts.label(name)}: {effects.absent} of {plural(effects.expected, 'effect')} absent{told}"
            evidence.append(Proof(source="schema", detail=detail, ref=f"migration {facts.label(name)}"))
        if effects.present:
            detail = (
                f"{facts.label(name)}: {plural(effects.present, 'object')} of it are there, made by something else"
            )
            against.append(Proof(source="schema", detail=detail, ref=f"migration {facts.label(name)}"))
        why = facts.judged[name].why
        if why:
            evidence.append(
                Proof(source="replay", detail=f"{facts.label(name)} cannot have run here: {why}", ref="replay")
            )
        if facts.not_run.get(name):
            evidence.append(Proof(source="chain", detail=facts.not_run[name], ref=facts.file(name)))
        evidence += _moved(facts, name)
        for event in failed_in_log(facts, name)[:1]:
            evidence.append(Proof(source="log", detail=quoted(event), ref=event.ref))
    tied = sorted({said for name in names for said in facts.tie_differs(name)})
    total = sum(facts.judged[name].effects.expected for name in names)
    others = any(strangers(facts, name) for name in names)
    return Finding(
        cause="recorded-not-executed",
        scope="environment",
        severity="warning" if tied or not total else "critical",
        migrations=labels,
        objects=tuple(item for name in names for item in trace_refs(facts.signature(name), live)),
        summary=_summary(facts, names, total) + (_mistaken(facts, names) if others else ""),
        evidence=tuple(evidence) or (Proof(source="schema", detail="no effect of it is there"),),
        evidence_against=tuple(against),
        confidence=0.6 if tied else 0.97 if not against else 0.9,
        would_overturn=f"A log or a backup that shows {facts.spans(names)} running here"
        + (" under this very text." if others else " after the row was written."),
        alternatives=tuple(f"an equally good story says of it: {said}" for said in tied),
        remedy=execute(facts, names),
        prevention="Never renumber a file that has run anywhere, and never give its number to another file."
        if others
        else "Let nothing but the migration tool write tracker rows; run `forensics diagnose` before a deployment.",
    )


def _summary(facts: Facts, names: list[str], total: int) -> str:
    """Return what is absent, counted as the schema shows it: objects may be there that something else made."""
    are = "is" if len(names) == 1 else "are"
    if not total:
        return (
            f"{facts.spans(names)} {are} recorded as applied, but the stored text of the schema shows that "
            f"{'it' if len(names) == 1 else 'they'} did not run. No definition differs by it, so this is a warning."
        )
    head = (
        f"Migration {facts.label(names[0])} is recorded as applied, but it did not run here"
        if len(names) == 1
        else f"{len(names)} migrations ({facts.spans(names)}) are recorded as applied, but they did not run here"
    )
    absent = sum(facts.judged[name].effects.absent for name in names)
    its = "its" if len(names) == 1 else "their"
    if absent == total:
        return f"{head}: {f'none of {its} {total} objects is there' if total > 1 else f'{its} only object is not there'}."
    if not absent:
        return f"{head}: {its} {plural(total, 'object')} were made, or made otherwise, by something else."
    rest = total - absent
    other = f"the other {rest} were" if rest > 1 else "the other one was"
    return f"{head}: {absent} of {its} {total} objects {'is' if absent == 1 else 'are'} absent; {other} made by something else."


def _mistaken(facts: Facts, names: list[str]) -> str:
    """Say for which files the rows stand, where a number was given away."""
    rows = [match for name in names for match in strangers(facts, name)]
    shared = [match for match in rows if match.migration_id in facts.claims(match)]
    if shared:
        files = listing([facts.file(match.migration_id or "") for match in shared])
        return f" Row {shared[0].row.version} stands for the other file of that number, {files}: for the migration tool the number is done."
    said = listing([match.row.version for match in rows], 8)
    notes = listing([_NOTE.sub(r"\1 (now \2)", match.note or "a text that is no file now") for match in rows], 4)
    days = list(dict.fromkeys(f"{match.row.recorded_at:%Y-%m-%d}" for match in rows if match.row.recorded_at))
    when = f", which ran on {listing(days, 3)}" if days else ""
    return (
        f" {'Row' if len(rows) == 1 else 'Rows'} {said} {'stands for another file' if len(rows) == 1 else 'stand for other files'}{when}: "
        f"{notes}. {'A new file took the number' if len(rows) == 1 else 'New files took the numbers'}, and the migration tool skips "
        f"{'it' if len(rows) == 1 else 'them'}."
    )


def _standing(facts: Facts, match: RowMatch) -> str:
    """Return for which file a row stands, where that shares its number."""
    return f"it is that of {facts.file(match.migration_id)}" if match.migration_id else "it is that of another text"


def _moved(facts: Facts, name: str) -> Iterator[Proof]:
    """Yield when the file that a row stands for ran, when it was renumbered, and when this one took its number."""
    for match in strangers(facts, name):
        row, sha = match.row, match.content.sha256 if match.content else ""
        said = f"recorded at {row.recorded_at:%Y-%m-%d %H:%M:%S}Z as {row.description!r}; " if row.recorded_at else ""
        detail = f"{said}the checksum of row {row.version} is not that of {facts.file(name)}: {match.note or _standing(facts, match)}"
        yield Proof(source="tracker", detail=detail, ref=row.ref)
        for item in facts.versions:
            if item.action == "R" and item.content is not None and item.content.sha256 == sha:
                detail = f"{item.old_path} became {item.path} on {item.at:%Y-%m-%d}: {item.subject!r}"
                yield Proof(source="git", detail=detail, ref=f"git:{item.commit[:12]}")
            elif item.action == "A" and match.migration_id not in facts.claims(match) and item.path.rpartition("/")[2] == facts.file(name):
                detail = f"{item.path} took the number {row.version} on {item.at:%Y-%m-%d}: {item.subject!r}"
                yield Proof(source="git", detail=detail, ref=f"git:{item.commit[:12]}")


RULE = Rule(
    cause="recorded-not-executed",
    severity="critical",
    question="Does the tracker claim a migration of which the schema shows nothing?",
    check=check,
)
