"""The first screen: what is broken, why, where, what to do, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import code, escape
from forensics.report.text import Section, bullets, clip, codes, prose, section

_SHOWN = 3
_PARTED = ("never-ran", "partly", "unrecorded")
_READ_DIRECTLY = frozenset({
    "ahead-of-code", "broken-link", "bulk-stamped", "cycle", "duplicate-record", "duplicate-version",
    "failed-migration", "foreign-chain", "inconsistent-history", "inserted-behind-head", "leftover-object",
    "missing-file", "multiple-bases", "multiple-heads", "orphan-revision", "out-of-order", "pending",
    "uninitialised", "unloadable-migration", "unreadable", "untracked",
})  # fmt: skip


def standing(finding: Mapping[str, Any]) -> str:
    """Return ``observed`` (it can be read off), ``derived`` (a replay shows it) or ``possible`` (others fit too)."""
    if finding["alternatives"] or finding["confidence"] < 0.8:
        return "possible"
    return "observed" if finding["cause"] in _READ_DIRECTLY else "derived"


def link(finding_id: str) -> str:
    """Return a link to a finding of the same report."""
    slug = "".join(each for each in finding_id.lower() if each.isalnum())
    return f"[{escape(finding_id)}](#{slug})"


def summary(diagnosis: Diagnosis) -> Section | None:
    """Return the title, the verdict, and the five answers that a reader in a hurry needs."""
    state = wording.STATES[diagnosis.state]
    title = f"# {escape(diagnosis.environment)}: {state}"
    findings = diagnosis.document["findings"]
    broken = [] if diagnosis.silent else _broken(findings)
    answers = [
        _answer("What is broken", [_named(item, item["summary"]) for item in broken], _rest(findings, broken)),
        _answer("Why", _reasons(findings, broken)),
        _answer("Where", [_place(diagnosis, broken)]),
        _answer("What to do", list(dict.fromkeys(_remedies(broken)))),
        _answer("How sure", [text for text in [_certainty(diagnosis, broken)] if text]),
    ]
    if not broken:
        own = [item for item in findings if item["scope"] != "chain" and item["remedy"]][:_SHOWN]
        chain = [item for item in _broken(findings) if item["scope"] == "chain"] if diagnosis.silent else []
        answers = [
            answers[2],
            _answer("What to do", [_named(item, item["remedy"]) for item in own]),
            _answer("Worth knowing of the chain", [_named(item, item["summary"]) for item in chain]),
            answers[4],
        ]
    return section(title, f"**{_extent(diagnosis)}**", bullets(filter(None, answers)))


def _extent(diagnosis: Diagnosis) -> str:
    """Return how far the tracker and the schema part; the verdict where they do not."""
    parted = {mark: spans for mark, spans in diagnosis.marked.items() if mark.name in _PARTED}
    if not parted:
        return prose(diagnosis.verdict, 600)
    count = sum(mark.name in _PARTED for mark in diagnosis.marks)
    told = "; ".join(f"{wording.listing(spans)} {mark.words}" for mark, spans in parted.items())
    text = f"Tracker and schema disagree on {count} of {wording.count(len(diagnosis.marks), 'migration')}: {told}."
    failure = diagnosis.document.get("next_failure") or {}
    return escape(clip(text + (f" The next run will stop at {failure['version']}." if failure else ""), 600))


def _broken(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what hurts: the findings at ``error`` or above that are not merely the reason of another such one."""
    grave = sorted((item for item in findings if wording.severity_rank(item) <= 1), key=wording.urgency)
    reasons = {each for item in grave for each in item["contributing"]}
    return ([item for item in grave if item["id"] not in reasons] or grave)[:_SHOWN]


def _answer(question: str, answers: Sequence[str], rest: str = "") -> str:
    if not answers:
        return ""
    if len(answers) == 1 and not rest:
        return f"**{question}.** {answers[0]}"
    return f"**{question}.** {rest}".rstrip() + "\n" + bullets(answers)


def _named(finding: Mapping[str, Any], text: str) -> str:
    return f"{prose(text, 500)} ({link(finding['id'])})"


def _rest(findings: Sequence[Mapping[str, Any]], broken: Sequence[Mapping[str, Any]]) -> str:
    others = len(findings) - len(broken)
    return f"The gravest of {wording.count(len(findings), 'finding')}:" if others and len(broken) > 1 else ""


def _reasons(findings: Sequence[Mapping[str, Any]], broken: Iterable[Mapping[str, Any]]) -> list[str]:
    by_id = {item["id"]: item for item in findings}
    shown = {item["id"] for item in broken}
    ids = dict.fromkeys(each for item in broken for each in item["contributing"] if each in by_id and each not in shown)
    reasons = [_named(by_id[each], by_id[each]["summary"]) for each in ids][:_SHOWN]
    if reasons:
        return reasons
    return [
        f"{escape(wording.cause(item['cause']).capitalize())}: {prose(item['evidence'][0]['detail'], 300)}"
        + (f"; made by {wording.ORIGINS[item['origin']]}" if item.get("origin") else "")
        for item in broken
    ]


def _place(diagnosis: Diagnosis, broken: Iterable[Mapping[str, Any]]) -> str:
    environment = diagnosis.document["environment"]
    where = f"Environment {code(diagnosis.environment)}"
    if environment.get("url"):
        where += f", {code(environment['url'])}"
    things: dict[str, list[str]] = {}
    for item in broken:
        for each in item["objects"]:
            table = each.get("table") or each["name"]
            things.setdefault(table, [])
            if each.get("table") and each["name"] not in things[table]:
                things[table].append(each["name"])
    parts = [
        code(table) + (f" ({codes(names, 4)})" if names else "") for table, names in list(things.items())[:_SHOWN]
    ]  # fmt: skip
    if len(things) > _SHOWN:
        parts.append(f"{len(things) - _SHOWN} more")
    return where + (f"; it touches {wording.listing(parts)}" if parts else "") + "."


def _remedies(broken: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (_named(item, item["remedy"]) for item in broken if item["remedy"])


def _certainty(diagnosis: Diagnosis, broken: Sequence[Mapping[str, Any]]) -> str:
    explanation = diagnosis.document.get("explanation") or {}
    parts = []
    if broken:
        parts.append(f"*{standing(broken[0])}*, {broken[0]['confidence']:.0%} for the gravest.")
    if explanation.get("reconstructed"):
        parts.append("Replaying the story below on an empty database gives this schema exactly.")
        if left := explanation["baseline"]["residual"]:
            parts.append(f"The story that the tracker tells misses it by {wording.count(left, 'difference')}.")
    elif explanation:
        parts.append("The schema could not be rebuilt completely; what is left over is listed below.")
    if broken and broken[0]["would_overturn"]:
        parts.append(f"It would be overturned by: {prose(broken[0]['would_overturn'], 300)}")
    return " ".join(parts)
