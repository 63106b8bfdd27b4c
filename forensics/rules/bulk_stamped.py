"""Several rows were written at one instant, or say themselves that they were skipped."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from forensics.history.assignment import RowMatch
from forensics.model import Finding, Proof
from forensics.rules.advice import failed_in_log
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, plural

SKIPPED = re.compile(
    r"\b(skip(ped)?|fak(e|ed)|stamp(ed)?|mark(ed)?|already applied|manual(ly)?|baseline)\b", re.IGNORECASE
)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the rows that were written together by something else than a run.

    One odd sign is never enough: rows of one instant are also what a fast run on an empty database leaves. Either the rows say
    that they were skipped, or none of what they claim, where it can be told, was executed.
    """
    if facts.history.keeps == "head" or len(facts.history.rows) < 2:
        return
    rows = [match for match in facts.matches.values() if facts.claims(match)]
    said = [match for match in rows if SKIPPED.search(match.row.description)]
    by_instant: dict[datetime, list[RowMatch]] = defaultdict(list)
    for match in rows:
        if match.row.recorded_at is not None:
            by_instant[match.row.recorded_at].append(match)
    chosen = {match.row.version: match for match in said}
    for together in by_instant.values():
        if (
            len(together) >= 3
            and not any(_ran(facts, match) for match in together)
            and any(_failed(facts, match) for match in together)
        ):
            chosen.update((match.row.version, match) for match in together)
    stamped = [match for match in rows if match.row.version in chosen]
    if len(stamped) < 2 and not (said and any(_failed(facts, match) for match in said)):
        return
    copies = facts.explanation.copies() if facts.explanation else {}
    claimed = {name for match in stamped for name in facts.claims(match)}
    names = [item.id for item in facts.migrations if item.id in claimed and item.id not in copies]
    all_ran = all(facts.judged[name].executed in ("yes", "unknown") for name in names if name in facts.judged)
    instants = sorted({match.row.recorded_at for match in stamped if match.row.recorded_at})
    evidence = [
        Proof(
            source="tracker",
            detail=f"{plural(len(stamped), 'row')} at {plural(len(instants), 'instant')}: "
            + listing([f"{at:%Y-%m-%d %H:%M:%S}Z" for at in instants], 3),
            ref=stamped[0].row.ref,
        )
    ]
    descriptions = sorted({match.row.description for match in stamped if SKIPPED.search(match.row.description)})
    if descriptions:
        evidence.append(
            Proof(
                source="tracker",
                detail=f"descriptions: {listing([repr(text) for text in descriptions], 2)}",
                ref=stamped[0].row.ref,
            )
        )
    sums = [match for match in stamped if match.by == "checksum"]
    if not sums:
        evidence.append(
            Proof(source="tracker", detail="none of the rows has the checksum of a file", ref=facts.history.table or "")
        )
    yield Finding(
        cause="bulk-stamped",
        scope="environment",
        severity="info" if all_ran else "warning",
        migrations=facts.labels(names),
        summary=_summary(facts, stamped, names) + (", but everything they claim is there: info only." if all_ran else "."),
        evidence=tuple(evidence),
        evidence_against=()
        if len(instants) > 1
        else (
            Proof(
                source="tracker",
                detail="one instant alone is also what a fast run leaves; the rows' words or the schema decide",
            ),
        ),
        confidence=0.95 if descriptions else 0.85,
        would_overturn="A log of the migration tool that shows these migrations running at that time.",
        remedy="Do not trust these rows; see what each migration really did in the findings about it.",
        prevention="Take the right to write the tracker from people; give the migration tool a command that notes who marks what, and why.",
    )


def _summary(facts: Facts, stamped: list[RowMatch], names: list[str]) -> str:
    """Return who wrote which rows when, and whether the log shows that each of them had failed just before."""
    times = sorted(match.row.recorded_at for match in stamped if match.row.recorded_at is not None)
    when = ""
    if times:
        same = times[0].date() == times[-1].date()
        when = f"{times[0]:%Y-%m-%d %H:%M}"
        when += f" to {times[-1]:{'%H:%M' if same else '%Y-%m-%d %H:%M'}}" if times[0] != times[-1] else ""
    phrase = _phrase([match.row.description for match in stamped])
    said = f" with the words {phrase!r}" if phrase else ""
    rows = f"{plural(len(stamped), 'row')}: {facts.spans(names)}" + (f"; {when}" if when else "")
    failed = [match for match in stamped if _after_failure(facts, match)]
    if len(failed) > len(stamped) // 2:
        return f"When a migration had failed, somebody marked it as applied{said} ({rows})"
    return f"Tracker rows were written by hand or by a script, not by a run,{said} ({rows})"


def _after_failure(facts: Facts, match: RowMatch) -> bool:
    """Whether the log shows a failure of the migration before its row was written."""
    at = match.row.recorded_at
    events = [event for name in facts.claims(match) for event in failed_in_log(facts, name)]
    return at is not None and any(event.at is not None and event.at <= at for event in events)


def _phrase(descriptions: list[str]) -> str:
    """Return the words with which all descriptions end, where these say that a migration was skipped."""
    endings = [text.split() for text in descriptions]
    shared: list[str] = []
    for words in zip(*(reversed(each) for each in endings), strict=False):
        if len(set(words)) > 1:
            break
        shared.insert(0, words[0])
    text = " ".join(shared).lstrip("-:, ")
    return text if SKIPPED.search(text) else ""


def _ran(facts: Facts, match: RowMatch) -> bool:
    return any(facts.judged[name].executed == "yes" for name in _names(facts, match))


def _failed(facts: Facts, match: RowMatch) -> bool:
    return any(facts.judged[name].executed in ("no", "partial") for name in _names(facts, match))


def _names(facts: Facts, match: RowMatch) -> list[str]:
    return [name for name in facts.claims(match) if name in facts.judged]


RULE = Rule(
    cause="bulk-stamped",
    severity="warning",
    question="Were rows of the tracker written by something else than a run?",
    check=check,
)
