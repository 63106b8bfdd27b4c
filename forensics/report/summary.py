"""The first screen: what is broken, why, where, what to do, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, code, escape
from forensics.report.text import Section, bullets, clip, codes, prose, section

_SHOWN = 3
_PARTED = ("never-ran", "partly", "unrecorded")
_READ_DIRECTLY = frozenset({
    "ahead-of-code", "broken-link", "bulk-stamped", "cycle", "duplicate-record", "duplicate-version",
    "failed-migration", "foreign-chain", "inconsistent-history", "inserted-behind-head", "leftover-object",
    "missing-file", "multiple-bases", "multiple-heads", "orphan-revision", "out-of-order", "pending",
    "uninitialised", "unloadable-migration", "unreadable", "untracked",
})  # fmt: skip
_SEVERAL = {
    "executed-not-recorded": "{names} ran here, but the tracker has no row for them",
    "manual-change": "the schema was changed outside the migrations: {summaries}",
    "masked-create": "{names} create tables that were there already in another shape",
    "partially-executed": "{names} ran only in part",
    "recorded-not-executed": "{names} are recorded as applied, but did not run here",
    "duplicate-version": "several files claim one version: {names}",
    "unloadable-migration": "the migration tool cannot load {names}",
}


def standing(finding: Mapping[str, Any]) -> str:
    """Return ``observed`` (it can be read off), ``derived`` (a replay shows it) or ``possible`` (others fit too)."""
    if finding["alternatives"] or finding["confidence"] < 0.8:
        return "possible"
    return "observed" if finding["cause"] in _READ_DIRECTLY else "derived"


def link(finding_id: str) -> str:
    """Return a link to a finding of the same report."""
    slug = "".join(each for each in finding_id.lower() if each.isalnum())
    return f"[{escape(finding_id)}](#{slug})"


def linked(text: str, limit: int = 800) -> Markdown:
    """Return what a rule says as Markdown; the findings that it names (``see F9``) are links."""
    return Markdown(re.sub(r"\bsee (F\d+)\b", lambda match: f"see {link(match[1])}", prose(text, limit)))


def summary(diagnosis: Diagnosis) -> Section | None:
    """Return the title, the verdict, the stop sign, and the five answers that a reader in a hurry needs."""
    state = wording.STATES[diagnosis.state]
    title = f"# {escape(diagnosis.environment)}: {state}"
    findings = diagnosis.document["findings"]
    broken = [] if diagnosis.silent else _broken(findings)
    said = [item for group in broken for item in group]
    answers = [
        _answer("What is broken", [_told(group, diagnosis.labels) for group in broken], _rest(findings, said)),
        _answer("Why", _reasons(findings, broken, diagnosis.labels)),
        _answer("Where", [_place(diagnosis, said)]),
        _answer("What to do", list(dict.fromkeys(_remedies(findings, said)))),
        _answer("How sure", [text for text in [_certainty(diagnosis, said)] if text]),
    ]
    if not broken:
        own = [item for item in findings if item["scope"] != "chain" and item["remedy"]][:_SHOWN]
        chain = [item for group in _broken(findings) for item in group if item["scope"] == "chain"] if diagnosis.silent else []
        answers = [
            answers[2],
            _answer("What to do", [_named(item, item["remedy"]) for item in own]),
            _answer("Worth knowing of the chain", [_named(item, item["summary"]) for item in chain[:_SHOWN]]),
            answers[4],
        ]
    return section(title, f"**{_extent(diagnosis)}**", _stop(diagnosis), bullets(filter(None, answers)))


def _extent(diagnosis: Diagnosis) -> str:
    """Return how far the tracker and the schema part; the verdict where they do not."""
    parted = {mark: spans for mark, spans in diagnosis.marked.items() if mark.name in _PARTED}
    # Where the tracker speaks of another chain, how this one's migrations part from it is not the news.
    if not parted or diagnosis.strays:
        return prose(diagnosis.verdict, 600)
    count = sum(mark.name in _PARTED for mark in diagnosis.marks)
    told = "; ".join(f"{wording.listing(spans, 12)} {mark.words}" for mark, spans in parted.items())
    text = f"Tracker and schema disagree on {count} of {_migrations(diagnosis)}: {told}."
    failure = diagnosis.document.get("next_failure") or {}
    return escape(clip(text + (f" The next run will stop at {failure['version']}." if failure else ""), 600))


def _migrations(diagnosis: Diagnosis) -> str:
    rows = diagnosis.document["migrations"]
    text = wording.count(len(rows), "migration")
    gone = [label for label, item in zip(diagnosis.labels, rows, strict=True) if not item["file"]]
    if not gone:
        return text
    whose = "whose file is gone" if len(gone) == 1 else "whose files are gone"
    return f"{text} ({wording.count(len(rows) - len(gone), 'file')} and {wording.listing(gone)}, {whose})"


def _stop(diagnosis: Diagnosis) -> str:
    """Return the stop sign, where a run would do harm or come to a halt, and up to when there is evidence."""
    parts = []
    sign = next((item for item in diagnosis.document["findings"] if item["cause"] == "pending-will-fail"), None)
    if sign is not None and sign["remedy"]:
        parts.append(f"**Stop:** {linked(sign['remedy'], 400)} ({link(sign['id'])})")
    times = [event.at for event in diagnosis.events if event.at is not None]
    if times:
        parts.append(f"The newest dated fact in the evidence is of {max(times):%Y-%m-%d %H:%M} UTC.")
    return " ".join(parts)


def _broken(findings: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return what hurts, findings of one cause together: those at ``error`` or above that are not merely the reason of another."""
    grave = sorted((item for item in findings if wording.severity_rank(item) <= 1), key=wording.urgency)
    reasons = {each for item in grave for each in item["contributing"]}
    causes = {(item["scope"], item["cause"]) for item in grave if item["id"] in reasons and item["cause"] == "masked-create"}
    effects = [item for item in grave if item["id"] not in reasons and (item["scope"], item["cause"]) not in causes]
    return _by_cause(effects or grave)[:_SHOWN]


def _by_cause(findings: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for item in findings:
        which = item["cause"] if item["cause"] in _SEVERAL else item["id"]
        found.setdefault((item["scope"], which), []).append(item)
    return list(found.values())


def _answer(question: str, answers: Sequence[str], rest: str = "") -> str:
    if not answers:
        return ""
    if len(answers) == 1 and not rest:
        return f"**{question}.** {answers[0]}"
    return f"**{question}.** {rest}".rstrip() + "\n" + bullets(answers)


def _named(finding: Mapping[str, Any], text: str) -> str:
    return f"{linked(_whole_sentences(text), 1000)} ({link(finding['id'])})"


def _whole_sentences(text: str, room: int = 600) -> str:
    """Return as many sentences as there is room for, and that there are more."""
    kept = ""
    parts = re.split(r"(?<=\.) (?=[A-Z0-9])", text)
    for part in parts:
        if kept and len(kept) + len(part) > room:
            return f"{kept} …"
        kept += f" {part}" if kept else part
    return kept


def _told(group: Sequence[Mapping[str, Any]], order: Sequence[str]) -> str:
    """Return findings of one cause in one sentence, with links to all of them."""
    if len(group) == 1:
        return _named(group[0], group[0]["summary"])
    place = {label: number for number, label in enumerate(order)}
    names = sorted({name for item in group for name in item["migrations"]}, key=lambda name: (place.get(name, len(place)), name))
    words = _SEVERAL[group[0]["cause"]].format(
        names=wording.listing(wording.spans(names, order), 12),
        summaries="; ".join(item["summary"].rstrip(".") for item in group),
    )
    links = wording.listing([link(item["id"]) for item in group], 12)
    return f"{prose(words[:1].upper() + words[1:], 600)} ({links})."


def _rest(findings: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]) -> str:
    others = len(findings) - len(said)
    return f"The most serious of {wording.count(len(findings), 'finding')}:" if others and len(said) > 1 else ""


def _reasons(
    findings: Sequence[Mapping[str, Any]], broken: Sequence[Sequence[Mapping[str, Any]]], order: Sequence[str]
) -> list[str]:
    by_id = {item["id"]: item for item in findings}
    said = [item for group in broken for item in group]
    shown = {item["id"] for item in said}
    ids = dict.fromkeys(each for item in said for each in item["contributing"] if each in by_id and each not in shown)
    causes = {(by_id[each]["scope"], by_id[each]["cause"]) for each in ids if by_id[each]["cause"] == "masked-create"}
    more = (item["id"] for item in findings if (item["scope"], item["cause"]) in causes and item["id"] not in shown)
    ids = dict.fromkeys([*ids, *more])
    # What somebody did says more than what the chain does to itself.
    ranked = sorted((by_id[each] for each in ids), key=lambda item: (item["cause"] != "bulk-stamped", item["scope"] == "chain"))
    reasons = [_told(group, order) for group in _by_cause(ranked)][: _SHOWN + 1]
    if reasons:
        return reasons
    return [
        f"{escape(wording.cause(item['cause']).capitalize())}: {prose(_because(item), 900)}"
        + (f"; made by {wording.ORIGINS[item['origin']]}" if item.get("origin") else "")
        for item in said[:_SHOWN]
    ]


def _because(finding: Mapping[str, Any]) -> str:
    """Return what a finding rests on in the first place; of a foreign revision also how it came to that."""
    proofs = finding["evidence"]
    told = [proofs[0]["detail"]]
    if finding["cause"] == "foreign-chain":
        told = [item["detail"] for item in proofs if item["source"] in ("file", "git", "log") and "locate revision" not in item["detail"]]
    return "; ".join(told or [proofs[0]["detail"]])


def _place(diagnosis: Diagnosis, broken: Iterable[Mapping[str, Any]]) -> str:
    environment = diagnosis.document["environment"]
    where = f"Environment {code(diagnosis.environment)}"
    if environment.get("url"):
        where += f", {code(environment['url'])}"
    tables = list(dict.fromkeys(each.get("table") or each["name"] for item in broken for each in item["objects"]))
    return where + (f". Tables affected: {codes(tables, 8)}." if tables else ".")


def _remedies(findings: Sequence[Mapping[str, Any]], broken: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the remedies, each with its finding; in place of the stop sign, which stands above, what lets the next run go on."""
    by_id = {item["id"]: item for item in findings}
    found: list[Mapping[str, Any]] = []
    for item in broken:
        stops = item["cause"] == "pending-will-fail"
        found += [by_id[each] for each in item["contributing"] if each in by_id] if stops else [item]
    found = [item for number, item in enumerate(found) if item["remedy"] and item not in found[:number]]
    for item in found[:_SHOWN]:
        yield _named(item, item["remedy"])
    if len(found) > _SHOWN:
        yield f"{len(found) - _SHOWN} more, and what the others need, are under \"What to do\" below."


def _certainty(diagnosis: Diagnosis, broken: Sequence[Mapping[str, Any]]) -> str:
    explanation = diagnosis.document.get("explanation") or {}
    parts = []
    if broken:
        parts.append(f"*{standing(broken[0])}*, confidence {wording.sure(broken[0]['confidence'])} for the most serious.")
    if explanation.get("reconstructed"):
        parts.append("Replaying the story below on an empty database gives this schema exactly.")
        if left := explanation["baseline"]["residual"]:
            parts.append(differs(left))
    elif explanation:
        parts.append("The schema could not be rebuilt completely; what is left over is listed below.")
    if broken and broken[0]["would_overturn"]:
        parts.append(f"It would be overturned by: {prose(broken[0]['would_overturn'], 300)}")
    return " ".join(parts)


def differs(number: int) -> str:
    """Return how far the tracker's own story is from the schema."""
    return f"The story that the tracker tells differs from it in {wording.count(number, 'object')} (tables, columns, keys, indexes)."
