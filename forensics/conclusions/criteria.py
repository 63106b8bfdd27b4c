"""Is it over? Each criterion of the case file, judged for one environment from its evidence and its diagnosis.

Every answer is one of three: met, not met, cannot tell. Where the evidence does not decide it is the last, with the
reason: a criterion that nobody could look at is not met by that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from forensics import wording
from forensics.case.criteria import LAST_MIGRATION
from forensics.case.spec import Criterion
from forensics.logs.watch import Wanted, seen
from forensics.model import Evidence, Group, Observation, Proof, SchemaObject
from forensics.redact import redact_text
from forensics.rules.logged import shown

Document = Mapping[str, Any]

_SHOWN = 120
_FROM_LOGS = ("race", "stale-runner")
_PART_READ = re.compile(r"could not be read to its end|log entries are not shown")
_INDEXED = ("index", "unique", "primary_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of one criterion in one environment: ``met`` is None where it cannot be told."""

    met: bool | None
    found: str
    evidence: tuple[Proof, ...] = ()


def judge(criteria: Sequence[Criterion], evidence: Evidence, document: Document) -> list[dict[str, Any]]:
    """Return the answers as documents have them, in the order of the case file.

    Parameters
    ----------
    criteria
        Those that concern this environment.
    evidence
        What was read of it, with what was asked while it was read.
    document
        Its diagnosis (``forensics/diagnosis/1``).
    """
    return [_document(item, _ANSWERS[item.kind](item, evidence, document)) for item in criteria]


def tally(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Return, for each criterion, the environments in which it is met, in which it is not, and in which nobody can tell."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for document in documents:
        for item in document.get("criteria") or ():
            key = (item["text"], item["kind"], item["subject"])
            entry = found.setdefault(
                key,
                {"text": key[0], "kind": key[1], "subject": key[2], "met": [], "not_met": [], "cannot_tell": []},
            )
            place = "cannot_tell" if item["met"] is None else "met" if item["met"] else "not_met"
            entry[place].append(document["environment"]["name"])
    return list(found.values())


def _document(item: Criterion, answer: Answer) -> dict[str, Any]:
    return {
        "text": item.text,
        "kind": item.kind,
        "subject": redact_text(item.subject),
        "met": answer.met,
        "found": answer.found,
        "evidence": [
            {key: value for key, value in (("source", proof.source), ("detail", proof.detail), ("ref", proof.ref)) if value or key != "ref"}
            for proof in answer.evidence
        ],
    }


def _unread(evidence: Evidence) -> Answer | None:
    """Return that nothing can be told of the schema, where it was not read."""
    if evidence.snapshot is not None:
        return None
    return Answer(met=None, found=f"the database was not read: {evidence.problem or 'no reason is known'}")


def _groups(evidence: Evidence, name: str) -> Iterator[Group]:
    """Yield the tables and views that a name can mean: spelled in any case, with its schema or without."""
    assert evidence.snapshot is not None
    by_name = evidence.snapshot.by_name
    wanted = _plain(name)
    if name.casefold() in by_name:
        yield by_name[name.casefold()]
    elif wanted in by_name:
        yield by_name[wanted]
    elif wanted.startswith("public.") and wanted.removeprefix("public.") in by_name:
        yield by_name[wanted.removeprefix("public.")]
    else:
        for known, group in by_name.items():
            if "." not in wanted and known.rpartition(".")[2] == wanted:
                yield group


def _plain(name: str) -> str:
    """Return a name without the quotes that SQL may need around its parts."""
    return re.sub(r"[\"`]", "", name).casefold()


def _kind(group: Group) -> str:
    return group.objects[0].kind if group.objects else "table"


def _schema(group: Group, detail: str) -> tuple[Proof, ...]:
    return (Proof(source="schema", detail=detail, ref=group.name),)


def _table(item: Criterion, evidence: Evidence, _document: Document) -> Answer:
    if (unread := _unread(evidence)) is not None:
        return unread
    found = list(_groups(evidence, item.subject))
    tables = [group for group in found if _kind(group) == "table"]
    if tables:
        columns = sum(each.kind == "column" for each in tables[0].objects)
        said = f"table {tables[0].name} is there, with {wording.count(columns, 'column')}"
        return Answer(met=True, found=said, evidence=_schema(tables[0], said))
    if found:
        said = f"{found[0].name} is a {_kind(found[0]).replace('_', ' ')}, no table"
        return Answer(met=False, found=said, evidence=_schema(found[0], said))
    return Answer(met=False, found=_nothing(evidence, f"there is no table {item.subject}"))


def _column(item: Criterion, evidence: Evidence, _document: Document) -> Answer:
    if (unread := _unread(evidence)) is not None:
        return unread
    nearest: Group | None = None
    parts = item.subject.split(".")
    for at in range(len(parts) - 1, 0, -1):
        table, name = ".".join(parts[:at]), ".".join(parts[at:])
        for group in _groups(evidence, table):
            nearest = nearest or group
            for each in group.objects:
                if each.kind == "column" and each.name.casefold() in (name.casefold(), _plain(name)):
                    kind = dict(each.trace + each.meaning).get("type")
                    said = f"column {group.name}.{each.name} is there{f' ({kind})' if kind else ''}"
                    return Answer(met=True, found=said, evidence=_schema(group, said))
    if nearest is not None:
        said = f"{_kind(nearest).replace('_', ' ')} {nearest.name} has no column {item.subject.rpartition('.')[2]}"
        return Answer(met=False, found=said, evidence=_schema(nearest, said))
    return Answer(met=False, found=_nothing(evidence, f"there is no table {item.subject.rpartition('.')[0]}"))


def _index(item: Criterion, evidence: Evidence, _document: Document) -> Answer:
    if (unread := _unread(evidence)) is not None:
        return unread
    assert evidence.snapshot is not None
    spellings = (item.subject.casefold(), _plain(item.subject))
    for each in evidence.snapshot.objects:
        name = each.name.casefold()
        if each.kind not in _INDEXED or not name or not any(_named(wanted, name, each) for wanted in spellings):
            continue
        kind = "index" if each.kind == "index" else f"{each.kind.replace('_', ' ')} constraint"
        proof = Proof(source="schema", detail=f"{kind} {each.name} of {each.table}", ref=f"{each.table}.{each.name}")
        if dict(each.meaning).get("valid") is False:
            said = f"{kind} {each.name} of {each.table} is INVALID: it is kept up to date and never used, so it does not count"
            return Answer(met=False, found=said, evidence=(proof,))
        return Answer(met=True, found=f"{kind} {each.name} of {each.table} is there", evidence=(proof,))
    return Answer(met=False, found=_nothing(evidence, f"there is no index {item.subject}"))


def _named(wanted: str, name: str, item: SchemaObject) -> bool:
    table = (item.table or "").casefold()
    schema = table.rpartition(".")[0] or "public"
    return wanted in (name, f"{table}.{name}", f"{schema}.{name}")


def _nothing(evidence: Evidence, said: str) -> str:
    empty = evidence.snapshot is not None and not evidence.snapshot.groups
    return f"{said}: the database is empty" if empty else said


def _migration(item: Criterion, evidence: Evidence, document: Document) -> Answer:
    if (unread := _unread(evidence)) is not None:
        return unread
    rows = document.get("migrations") or ()
    if not rows and document["environment"]["state"] == "not-initialised":
        return Answer(met=False, found="no migration has run here: the database is empty")
    found = [each for each in rows if item.subject in (each["version"], each["id"], each["file"])]
    found = [each for each in found if not each.get("copy_of")] or found
    if not found:
        return Answer(met=None, found=f"the chain has no migration {item.subject}" if rows else "no migration is known here")
    proofs, words = [], []
    for each in found:
        basis = wording.BASES[each["basis"]]
        said = f"{each['id']} {_RAN[each['executed']]}{f' (decided by {basis})' if each['executed'] != 'unknown' else ''}"
        words.append(said)
        proofs.append(Proof(source="replay", detail=said, ref=f"migration {each['id']}"))
    answers = {each["executed"] for each in found}
    met = False if answers & {"no", "partial"} else None if "unknown" in answers else True
    return Answer(met=met, found=wording.listing(words, 3), evidence=tuple(proofs[:3]))


_RAN = {"yes": "ran here", "no": "did not run here", "partial": "ran here in part", "unknown": "may have run: nothing decides it"}


def _no_cause(item: Criterion, evidence: Evidence, document: Document) -> Answer:
    found = [each for each in document["findings"] if each["cause"] == item.subject]
    if found:
        first = min(found, key=wording.urgency)
        more = f" and {wording.count(len(found) - 1, 'more finding')}" if len(found) > 1 else ""
        verb = "say" if more else "says"
        said = f"{first['id']} ({first['severity']}){more} {verb} so: {wording.cause(item.subject)}"
        proofs = tuple(Proof(source="finding", detail=_cut(each["summary"]), ref=each["id"]) for each in found[:3])
        return Answer(met=False, found=said, evidence=proofs)
    if document["environment"]["state"] == "unreadable":
        return Answer(met=None, found=f"the evidence could not be read: {evidence.problem or 'see the findings'}")
    if item.subject in _FROM_LOGS and not _logged(evidence):
        return Answer(met=None, found="only a log can tell, and none was read")
    return Answer(met=True, found=f"no finding says so: {wording.cause(item.subject)}")


def _query(item: Criterion, evidence: Evidence, _document: Document) -> Answer:
    subjects = (item.subject, redact_text(item.subject))
    seen = next((each for each in evidence.observations if each.kind == "query" and each.subject in subjects), None)
    if seen is None:
        why = f"the database was not read: {evidence.problem}" if evidence.problem else "it was not asked when this evidence was read"
        return Answer(met=None, found=why)
    if seen.problem:
        return Answer(met=None, found=f"the query failed: {_cut(seen.problem)}")
    met = _equal(seen, item.expect)
    wanted = redact_text(item.expect)
    gives, must = _cut(seen.value) or "an empty text", _cut(wanted) or "an empty text"
    said = f"it gives {gives}, as it must" if met else f"it gives {gives}, and must give {must}"
    return Answer(met=met, found=said, evidence=(Proof(source="query", detail=said, ref=redact_text(_cut(item.subject))),))


def _equal(seen: Observation, expect: str) -> bool:
    """Compare as numbers where both are some, as truth where one is expected, else letter by letter."""
    value, wanted = seen.value.strip(), expect.strip()
    one, other = _number(value), _number(wanted)
    if one is not None and other is not None:
        return one == other
    if wanted in ("true", "false") and value.casefold() in _TRUTHS:
        return _TRUTHS[value.casefold()] == wanted
    if wanted.casefold() == value.casefold() == "null":
        return True
    return seen.sha256 == hashlib.sha256(wanted.encode("utf-8", "surrogatepass")).hexdigest()


_TRUTHS = {"t": "true", "true": "true", "1": "true", "f": "false", "false": "false", "0": "false"}


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _log_silent(item: Criterion, evidence: Evidence, _document: Document) -> Answer:
    if not _logged(evidence):
        return Answer(met=None, found="no log was read")
    seen = next((each for each in evidence.observations if each.kind == "log" and each.subject == item.subject), None)
    seen = seen or _in_events(item.subject, evidence)
    since, last_run = _since(item, evidence), _last_recorded(evidence)
    whose = "the last recorded migration" if item.since == LAST_MIGRATION else "as asked"
    from_there = f"since {shown(since)} ({whose})" if since else ""
    if not seen.count:
        if seen.problem:
            return Answer(met=None, found=f"not found in what could be read: {_cut(seen.problem)}")
        return Answer(met=True, found="it is nowhere in the logs that were read")
    last = shown(seen.last) if seen.last else "at a time that no log tells"
    proof = Proof(source="log", detail=f"{wording.count(seen.count, 'entry', 'entries')}, the last: {last}", ref=seen.ref)
    said = f"{wording.count(seen.count, 'time')}, the last: {last} ({seen.ref})"
    if item.since and since is None:
        return Answer(met=None, found=f"{said}; the time of the last migration is not known here", evidence=(proof,))
    if since is None:
        hint = ""
        if last_run is not None and seen.last is not None and seen.last < last_run and not seen.undated:
            hint = f"; not after the last recorded migration ({shown(last_run)})"
        return Answer(met=False, found=f"{said}; the whole log counts{hint}", evidence=(proof,))
    if seen.last is not None and seen.last >= since:
        return Answer(met=False, found=f"{said}, which is not before {shown(since)} ({whose})", evidence=(proof,))
    if seen.undated:
        return Answer(met=None, found=f"{wording.count(seen.undated, 'time')} at a time that no log tells", evidence=(proof,))
    if seen.problem:
        return Answer(met=None, found=f"not {from_there} in what could be read: {_cut(seen.problem)}", evidence=(proof,))
    return Answer(met=True, found=f"not {from_there}; before that {said}", evidence=(proof,))


def _in_events(text: str, evidence: Evidence) -> Observation:
    """Look for a text in what saved evidence keeps of the logs: all of a short one, of a long one what matters."""
    wanted, found, problem = Wanted(text), Observation(kind="log", subject=text), ""
    for event in evidence.events:
        if event.source != "log":
            continue
        if event.at is None and _PART_READ.search(event.message):
            problem = problem or event.message
        elif wanted.within(event.message) or wanted.within(event.statement):
            found = seen(found, event)
    return Observation(
        kind="log", subject=text, count=found.count, undated=found.undated, last=found.last, ref=found.ref, problem=problem
    )


def _since(item: Criterion, evidence: Evidence) -> datetime | None:
    if item.since == LAST_MIGRATION:
        return _last_recorded(evidence)
    return datetime.fromisoformat(item.since).astimezone(UTC) if item.since else None


def _last_recorded(evidence: Evidence) -> datetime | None:
    """Return when the last migration was recorded, where the tracker keeps times."""
    rows = evidence.histories[0].rows if evidence.histories else ()
    return max((row.recorded_at for row in rows if row.recorded_at), default=None)


def _logged(evidence: Evidence) -> bool:
    read = any(each.kind == "log" and each.sha256 for each in evidence.exhibits)
    return read or any(event.source == "log" for event in evidence.events)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1].rstrip()}…"


_ANSWERS = {
    "column": _column, "table": _table, "index": _index, "migration": _migration, "query": _query,
    "no_cause": _no_cause, "log_silent": _log_silent,
}  # fmt: skip
