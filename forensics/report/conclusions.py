"""What is concluded: each finding with its evidence, what happens next, what to do, how to prevent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, block, code, escape
from forensics.report.summary import link, linked, standing
from forensics.report.text import Section, bullets, clip, codes, cut_table, prose, section

_ROOM = 30_000
_STEPS = 40
_NOTHING = "None needed."
_LOGGED = ("race", "stale-runner")
_GLOSSARY = (
    "In these pages the *chain* is the folder of migrations in its order, the *tracker* the table in which the migration tool "
    "notes what it applied, an *object* a table, column, key, check, index, view or trigger, an *effect* one object that a "
    "migration makes or changes, the *story* the steps that really led to this schema, and a *copy* a scratch database with the "
    "live schema and no rows. A confidence is the rule's own estimate, not a measured rate."
)
ALL = "all of them are in [findings.json](findings.json)"
_SCOPES = {
    "chain": "true of the chain wherever it runs",
    "environment": "this environment",
    "fleet": "several environments",
}


def findings(diagnosis: Diagnosis) -> Section | None:
    """Return each finding, the gravest first: what, how sure, evidence for and against, what would overturn it."""
    rows = sorted(diagnosis.document["findings"], key=wording.urgency)
    own = [item for item in rows if not (diagnosis.silent and item["scope"] == "chain")]
    told: list[str] = []
    for item in own:
        text = _finding(item, diagnosis.labels)
        if told and sum(map(len, told)) + len(text) > _ROOM:
            break
        told.append(text)
    return section(
        _GLOSSARY if rows else None,
        *told,
        _in_short(own[len(told) :], "The others in short; their evidence is in [findings.json](findings.json):"),
        _in_short([item for item in rows if item not in own], "What is known of the chain itself, wherever it runs:"),
    )


def _in_short(rows: Sequence[Mapping[str, Any]], head: str) -> str | None:
    """Return findings as a table, each with the anchor that links lead to."""
    if not rows:
        return None
    lines = [
        (Markdown(f'<a id="{_anchor(item["id"])}"></a>{escape(item["id"])}'), item["severity"], item["cause"], item["summary"])
        for item in rows
    ]
    return f"{head}\n\n" + cut_table(["", "severity", "cause", "what"], lines, limit=60, more=ALL)


def _anchor(number: str) -> str:
    return link(number).split("(#")[1].rstrip(")")


def _finding(item: Mapping[str, Any], order: Sequence[str]) -> str:
    number = item["id"]
    title = f'### <a id="{_anchor(number)}"></a>{escape(number)}, {item["severity"]}: {escape(wording.cause(item["cause"]))}'
    facts = [
        f"*{standing(item)}*, confidence {wording.sure(item['confidence'])}",
        f"cause {code(item['cause'])}",
        _SCOPES[item["scope"]],
    ]
    if item["migrations"]:
        spans = wording.spans(item["migrations"], order)
        facts.insert(1, f"{'migration' if len(item['migrations']) == 1 else 'migrations'} {codes(spans)}")
    if item.get("origin"):
        facts.append(f"made by {wording.ORIGINS[item['origin']]}")
    proofs = [("for", proof) for proof in item["evidence"]] + [("against", proof) for proof in item["evidence_against"]]
    rows = [
        (side, proof["source"], proof["detail"], _where(proof.get("ref", "")))
        for side, proof in proofs
    ]
    notes = [
        _objects(item["objects"]),
        f"It came about through {wording.listing(map(link, item['contributing']))}." if item["contributing"] else "",
        f"It could also be: {prose('; '.join(item['alternatives']))}" if item["alternatives"] else "",
        f"It would be overturned by: {prose(item['would_overturn'])}" if item["would_overturn"] else "",
    ]
    return "\n\n".join(
        [
            title,
            linked(item["summary"]),
            ", ".join(facts) + ".",
            cut_table(["evidence", "source", "what it shows", "where"], rows, limit=10, more=ALL),
            bullets(filter(None, notes)),
        ]
    ).rstrip()


def _where(ref: str) -> str:
    place = wording.place(ref)
    return code(clip(place, 160)) if place else ""


def _objects(objects: Sequence[Mapping[str, Any]]) -> str:
    states: dict[str, list[str]] = {}
    for each in objects:
        states.setdefault(each["state"], []).append(wording.thing(each))
    return "; ".join(f"{state.capitalize()}: {codes(names)}" for state, names in states.items())


def next_failure(diagnosis: Diagnosis) -> Section | None:
    """Return where the next run stops, at which statement and why, and what else would fail."""
    failure = diagnosis.document.get("next_failure") or {}
    failures: Iterable[Mapping[str, Any]] = diagnosis.document.get("failures") or ()
    others = [item for item in failures if item != failure and item.get("when") != "if-rerun"]
    again = [item["migration"] for item in failures if item.get("when") == "if-rerun"]
    explained = diagnosis.document.get("explanation") and not diagnosis.silent
    found = diagnosis.document["findings"]
    text = _quiet(diagnosis) if (explained and not others) or diagnosis.silent else None
    if failure:
        text = (
            f"The next run stops at {code(failure.get('file') or failure['migration'])}: "
            f"**{escape(clip(failure['error']))}**{f' ({why})' if (why := _because(failure, found)) else ''}."
            + (f"\n\n{block(clip(failure['statement'], 1200), 'sql')}" if failure.get("statement") else "")
        )
    text = _lost(diagnosis) or text
    rows = [(item["migration"], item["error"], Markdown(_because(item, found))) for item in others]
    also = "When their turn comes, these will fail too:\n\n" + cut_table(
        ["migration", "error", "cause"], rows, limit=25, more=ALL
    )
    rerun = f"Run again by hand, {codes(again, 40)} would fail: what they make is there already, or gone for good."
    return section(text, also if rows else None, rerun if again else None)


def _lost(diagnosis: Diagnosis) -> str | None:
    """Return what a run does whose tool does not know the recorded revision: it ends before any migration."""
    strays = diagnosis.strays
    if not strays:
        return None
    said = "; ".join(f"Can't locate revision identified by '{version}'" for version in strays)
    return f"The next run ends before any migration: **{escape(clip(said))}**. It changes nothing, and it will say so every time."


def _quiet(diagnosis: Diagnosis) -> str | None:
    """Return what a run does where none is foreseen to fail: nothing at all, the first steps of a new database, or its work."""
    first = diagnosis.document.get("first_run")
    if first:
        stop = first["stops"]
        begins = f"There is no row in a tracker, so the first run begins at {code(first['begins'])}"
        if not stop:
            return f"{begins}, and goes through on a copy of this schema."
        place = code(stop.get("file") or stop["migration"])
        return f"{begins}. On a copy of this schema it stops at {place}: **{escape(clip(stop['error']))}**."
    if diagnosis.silent:
        return None
    if diagnosis.document["migrations"] and not any(not item["recorded"] for item in diagnosis.document["migrations"]):
        # What only a log tells, as a use too early, is nothing that a run would have to repair.
        wrong = any(item["severity"] in ("critical", "error") and item["cause"] not in _LOGGED for item in diagnosis.document["findings"])
        return "Nothing will run: the tracker says that every version is applied." + (
            " The next run repairs nothing, and will look healthy." if wrong else ""
        )
    return "No failure is foreseen."


def _because(failure: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> str:
    """Return why a migration fails, with the finding that says it: of its own, or about the table that it stumbles over."""
    cause, labels = failure.get("cause"), (failure["version"], failure["migration"])
    if not cause:
        return ""
    own = [item for item in findings if item["cause"] == cause and set(labels) & set(item["migrations"])]
    if not own and failure.get("statement"):
        said = {word.casefold() for word in re.findall(r"\w+", f"{failure['statement']} {failure['error']}")}
        about = [
            item
            for item in findings
            if item["cause"] in ("masked-create", "recorded-not-executed", "manual-change")
            and any({each["name"].casefold(), (each.get("table") or each["name"]).casefold()} <= said for each in item["objects"])
        ]
        own = sorted(about, key=lambda item: (item["cause"] != "masked-create", item["cause"] != cause))
    if not own:
        return escape(wording.cause(cause))
    return f"{escape(wording.cause(own[0]['cause']))}, {link(own[0]['id'])}"


def what_to_do(diagnosis: Diagnosis) -> Section | None:
    """Return the remedies that the plan does not hold, those of the gravest findings first, each once."""
    return _advice(diagnosis, "remedy", numbered=True)


def prevention(diagnosis: Diagnosis) -> Section | None:
    """Return how to prevent what was found, each advice once."""
    return _advice(diagnosis, "prevention", numbered=False)


def _advice(diagnosis: Diagnosis, key: str, *, numbered: bool) -> Section | None:
    found: dict[str, list[str]] = {}
    ranked = sorted(diagnosis.document["findings"], key=wording.urgency)
    planned = {number for step in diagnosis.document.get("plan") or () for number in step["for"]} if numbered else set()
    ranked = [item for item in ranked if item["id"] not in planned]
    if numbered:  # the stop sign first
        ranked.sort(key=lambda item: item["cause"] != "pending-will-fail")
    for item in ranked:
        if item[key] not in ("", _NOTHING) and not (diagnosis.silent and item["scope"] == "chain"):
            found.setdefault(item[key], []).append(item["id"])
    lines = [f"{linked(text, 1600)} ({', '.join(map(link, ids))})" for text, ids in found.items()]
    shown = [f"{place}. {line}" for place, line in enumerate(lines[:_STEPS], 1)] if numbered else [f"- {line}" for line in lines[:_STEPS]]
    more = f"{_STEPS} of {len(lines)} are shown; {ALL}." if len(lines) > _STEPS else None
    besides = "Besides these steps:" if numbered and shown and diagnosis.document.get("plan") else None
    return section(besides, "\n".join(shown), more)
