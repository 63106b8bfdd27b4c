"""The analysis: which migrations ran, and the story that rebuilds the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, block, code, escape
from forensics.report.summary import differs
from forensics.report.text import Section, bullets, clip, codes, cut_table, fit, section

_ALL = "the whole story is in [findings.json](findings.json)"
_QUIET = ("ran", "waiting")


def migrations(diagnosis: Diagnosis) -> Section | None:
    """Return what the tracker says and what the schema shows of each migration; quiet stretches are one row."""
    document = diagnosis.document
    if not document["migrations"] or diagnosis.silent:
        return None
    entries = list(zip(diagnosis.labels, diagnosis.marks, document["migrations"], strict=True))
    rows: list[Sequence[object]] = []
    for (mark, _, copied), items in groupby(entries, key=lambda each: (each[1], each[2]["basis"], bool(each[2].get("copy_of")))):
        stretch = list(items)
        if mark.name in _QUIET and len(stretch) > 3 and not copied:
            rows.append(_stretch([label for label, _, _ in stretch], mark, [item for _, _, item in stretch]))
            continue
        rows += [_row(label, mark, item, diagnosis) for label, mark, item in stretch]
    return section(
        cut_table(
            ["migration", "what is known", "its effects", "decided by", "recorded at (UTC)"], rows, limit=70, more=_ALL
        )
    )


def _row(label: str, mark: wording.Mark, item: Mapping[str, Any], diagnosis: Diagnosis) -> Sequence[object]:
    if item.get("copy_of"):
        names = dict(zip((each["id"] for each in diagnosis.document["migrations"]), diagnosis.labels, strict=True))
        copied = Markdown(f"a copy of {code(names.get(item['copy_of'], item['copy_of']))}; shares its row")
        return code(label), copied, "the same as there", "its bytes", ""
    return code(label), f"{mark.glyph} {mark.words}", _effects(item, mark, diagnosis), _basis(item), _times(item)


def _stretch(labels: Sequence[str], mark: wording.Mark, items: Sequence[Mapping[str, Any]]) -> Sequence[object]:
    span = Markdown(f"{code(labels[0])} to {code(labels[-1])}")
    present = sum(item["effects"]["present"] for item in items)
    expected = sum(item["effects"]["expected"] for item in items)
    effects = f"{present:,} of {expected:,} present" if mark.name == "ran" else f"{present:,} of {expected:,} are there without it"
    if mark.name != "ran" and not present:
        effects = f"none of {expected:,} is there"
    if not expected:
        effects = "changes no object"
    return span, f"{mark.glyph} {mark.words}", effects, _basis(items[0]), _times(*items)


def _effects(item: Mapping[str, Any], mark: wording.Mark, diagnosis: Diagnosis) -> str:
    """Return what the schema shows of a migration; what is there of one that did not run was made by something else."""
    effects = item["effects"]
    if not effects["expected"]:
        error = _stopped(item, diagnosis)
        return f"in the replay it cannot run: {error}" if error else "changes no object"
    if mark.name in ("never-ran", "waiting", "silent", "untold") and effects["present"]:
        rest = f", {effects['absent']} absent" if effects["absent"] else ""
        made = "made by something else" if mark.name in ("never-ran", "waiting") else "there with it or without it"
        return f"{effects['present']} of {effects['expected']} {made}{rest}"
    wanting = _wanting(item, diagnosis) if mark.name == "partly" and not effects["absent"] else ""
    if wanting:
        return f"{effects['present']} of {effects['expected']} present that a replay reaches; missing beyond it: {wanting}"
    told = [f"{effects[key]} {key}" for key in ("absent", "superseded", "altered") if effects[key]]
    return ", ".join([f"{effects['present']} of {effects['expected']} present", *told])


def _stopped(item: Mapping[str, Any], diagnosis: Diagnosis) -> str:
    """Return the error at which the replay of a migration stopped, where it made nothing."""
    return next((each["error"] for each in diagnosis.document.get("failures") or () if each["migration"] == item["id"]), "")


def _wanting(item: Mapping[str, Any], diagnosis: Diagnosis) -> str:
    names = {item["id"], item["version"]}
    found = [
        wording.thing(each)
        for finding in diagnosis.document["findings"]
        if finding["cause"] == "partially-executed" and names & set(finding["migrations"])
        for each in finding["objects"]
        if each["state"] == "missing"
    ]
    return wording.listing(found, 4)


def _basis(item: Mapping[str, Any]) -> str:
    return wording.BASES[item["basis"]]


def _times(*items: Mapping[str, Any]) -> str:
    times = sorted({item["recorded_at"] for item in items if item["recorded_at"]})
    return " to ".join(dict.fromkeys(time.replace("T", " ").removesuffix("Z") for time in (times[:1] + times[-1:])))


def story(diagnosis: Diagnosis) -> Section | None:
    """Return the steps that rebuild the schema from empty, the outside changes with their DDL, and what is left."""
    explanation = diagnosis.document.get("explanation") or {}
    if not explanation:
        return None
    chain = explanation.get("chain")
    whose = f"The migrations of these steps are those of {code(chain)}, the chain that the tracker speaks of." if chain else None
    return section(
        _proof(explanation),
        whose,
        cut_table(["step", "what", "how much of it"], list(_steps(explanation, diagnosis.labels)), limit=60, more=_ALL),
        fit(_outside(explanation), room=12_000, more=_ALL) or None,
        _residual(explanation),
        _ties(explanation),
    )


def _proof(explanation: Mapping[str, Any]) -> str:
    left = explanation["baseline"]["residual"]
    tracker = (
        differs(left)
        if left
        else "The tracker tells the same story."
    )
    if not explanation["reconstructed"]:
        return f"These steps come nearest to the live schema, but do not rebuild it completely. {tracker}"
    rest = ", apart from what is listed at the end" if explanation["residual"] else ""
    return f"**Replaying these steps on an empty database gives the live schema exactly{rest}.** {tracker}"


def _steps(explanation: Mapping[str, Any], order: Sequence[str]) -> Iterator[Sequence[object]]:
    """Yield the steps as rows; migrations that ran whole and follow each other in the chain are one row."""
    number, whole = 0, []
    for step in [*explanation["steps"], {}]:
        if "migration" in step and "statements" not in step:
            whole.append(step["migration"])
            continue
        for span in wording.spans(whole, order):
            inside = [each for each in whole if each == span] or whole
            number += 1
            yield _number(number), code(span), "whole" if len(inside) == 1 else "each whole, in this order"
        whole = []
        if "migration" in step:
            number += 1
            noun = "statement" if len(step["statements"]) == 1 else "statements"
            told = f"{noun} {wording.listing(wording.spans(map(str, step['statements']), _counted(step)))}"
            yield _number(number), code(step["migration"]), f"{told} of {step.get('of', '?')}"
        elif step:
            number += 1
            change = explanation["outside"][step["outside"]]
            things = codes([wording.thing(each) for each in change["objects"]], 4)
            what = Markdown(f"**outside change**, {_did(change)} by {wording.ORIGINS[change['origin']]}: {things}")
            yield _number(number), what, f"{wording.count(len(change['ddl']), 'statement')}, below"


def _did(change: Mapping[str, Any]) -> str:
    """Return what an outside change did to its objects: made, dropped or altered them."""
    states = {each["state"] for each in change["objects"]}
    return {"extra": "made", "missing": "dropped"}.get(states.pop(), "altered") if len(states) == 1 else "made"


def _number(number: int) -> str:
    return str(number)


def _counted(step: Mapping[str, Any]) -> list[str]:
    return [str(each) for each in range(1, max([*step["statements"], 0]) + 1)]


def _outside(explanation: Mapping[str, Any]) -> Iterator[str]:
    known: dict[tuple[str, ...], str] = {}
    for change in explanation["outside"]:
        place = f"before {code(change['before'])}" if change["before"] else "after the last migration"
        things = codes([wording.thing(each) for each in change["objects"]], 6)
        before = known.setdefault(tuple(change["ddl"]), place)
        if before != place and change["ddl"]:
            made = f"{_did(change)} by {wording.ORIGINS[change['origin']]}"
            yield f"Outside change {place}, {made}: {things}, by the same statements as {before}."
            continue
        ddl = _ddl(change["ddl"])
        yield f"Outside change {place}, {_did(change)} by {wording.ORIGINS[change['origin']]}: {things}\n\n" + (
            block(ddl, "sql") if ddl else "No statement is known for it."
        )


def _ddl(statements: Sequence[str], room: int = 2500) -> str:
    """Return whole statements as long as there is room, and how many were left out."""
    shown: list[str] = []
    for statement in statements:
        text = clip(statement.rstrip().rstrip(";"), room) + ";"
        if shown and sum(map(len, shown)) + len(text) > room:
            return "\n".join([*shown, f"-- and {wording.count(len(statements) - len(shown), 'more statement')}: see findings.json"])
        shown.append(text)
    return "\n".join(shown)


def _residual(explanation: Mapping[str, Any]) -> str | None:
    if not explanation["residual"]:
        return None
    lines = [f"{escape(each['state'])} {code(wording.thing(each))}" for each in explanation["residual"]]
    head = "What no executed statement wrote and whose time cannot be told:"
    return f"{head}\n\n" + fit(["\n".join(f"- {line}" for line in lines[:40])], room=6000, more=_ALL)


def _ties(explanation: Mapping[str, Any]) -> str | None:
    if not explanation["ties"]:
        return None
    lines = [_tie(each) for each in explanation["ties"][:6]]
    noun = wording.count(len(explanation["ties"]), "other story", "other stories")
    head = f"{noun} would rebuild this schema as well; nothing in the evidence decides between them:"
    return f"{head}\n\n{bullets(lines)}"


def _tie(tie: Mapping[str, Any]) -> str:
    parts = [
        f"{escape(key)} {codes(value, 8)}"
        for key, value in tie.items()
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value)
    ]
    if not parts and isinstance(tie.get("steps"), list):
        names = [each["migration"] for each in tie["steps"] if "migration" in each]
        parts = [f"steps {codes(names, 12)}"]
    return "; ".join(parts) or escape(clip(tie))
