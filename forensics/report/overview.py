"""The fleet at a glance: which database is in which state, and what several of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.case import folder_name
from forensics.diagnosis import Diagnosis, Fleet
from forensics.markdown import Markdown, code, escape
from forensics.report.text import Section, bullets, clip, codes, cut_table, prose, section

_FIRST = 5
_ELSEWHERE = "the others are in the reports of their environments"


def overview(fleet: Fleet) -> Section | None:
    """Return the title, the verdict, and what is broken, why and where, over all environments."""
    case = fleet.document["case"]
    title = f"# {escape(clip(case.get('title') or case.get('name') or 'All environments', 200))}"
    incident = f"Incident {escape(case['incident'])}." if case.get("incident") else ""
    broken, reasons = _broken(fleet)
    answers = [_answer("What is broken", broken), _answer("Why", reasons), _answer("Where", list(_states(fleet)))]
    return section(title, f"**{escape(fleet.verdict)}** {incident}".rstrip(), bullets(filter(None, answers)))


def _answer(question: str, lines: Sequence[str]) -> str:
    return f"**{question}.**\n{bullets(lines)}" if lines else ""


def _broken(fleet: Fleet) -> tuple[list[str], list[str]]:
    """Return what hurts several environments or one, the gravest first, and what it comes from."""
    known = {
        (name, item["id"]): item for name, each in fleet.diagnoses.items() for item in each.document["findings"]
    }  # fmt: skip
    entries = [(item, [known[pair[0], pair[1]] for pair in item["findings"]]) for item in fleet.document["groups"]]
    grave = [(item, found) for item, found in entries if found and min(map(wording.severity_rank, found)) <= 1]
    wanted = {
        (pair[0], reason)
        for item, found in grave
        for pair, each in zip(item["findings"], found, strict=True)
        for reason in each["contributing"]
    }
    behind = [item for item, _ in entries if any((pair[0], pair[1]) in wanted for pair in item["findings"])]
    broken = [item for item, _ in grave if item not in behind] or [item for item, _ in grave]
    return [_line(item) for item in broken[:_FIRST]], [_line(item) for item in behind[:_FIRST] if item not in broken]


def _line(group: Mapping[str, Any]) -> str:
    return f"{prose(group['summary'], 400)} ({escape(group['id'])})"


def _states(fleet: Fleet) -> Sequence[str]:
    found: dict[str, list[str]] = {}
    for name, each in fleet.diagnoses.items():
        found.setdefault(each.state, []).append(name)
    return [
        f"{wording.STATES[state]}: {escape(wording.listing(found[state], 14))}" for state in wording.STATES_BY_GRAVITY
        if state in found
    ]  # fmt: skip


def environments(fleet: Fleet, *, links: bool = False) -> Section | None:
    """Return one row an environment; with ``links`` each name leads to the report of that environment."""
    rows = [_environment(name, each, links) for name, each in fleet.diagnoses.items()]
    heads = ["environment", "state", "what is the matter", "the next run", "schema rebuilt"]
    return section(cut_table(heads, rows, limit=100, more="the others are in the figure"))


def _environment(name: str, diagnosis: Diagnosis, links: bool) -> Sequence[object]:
    document = diagnosis.document
    failure, explanation = document.get("next_failure") or {}, document.get("explanation") or {}
    shown = Markdown(f"[{escape(name)}]({folder_name(name)}/report.md)") if links else Markdown(escape(name))
    finding = diagnosis.leading
    ahead = f"stops at {failure['version']}" if failure else "no failure foreseen" if explanation else ""
    rebuilt = "" if not explanation else "exactly" if explanation["reconstructed"] else "not completely"
    matter = clip(finding["summary"], 240) if finding else "nothing"
    ahead = "" if diagnosis.silent and not failure else ahead
    return shown, wording.STATES[diagnosis.state], matter, ahead, rebuilt


def groups(fleet: Fleet) -> Section | None:
    """Return the findings that several environments share, each once."""
    rows = [_group(item, _order(fleet)) for item in fleet.document["groups"]]
    if not rows:
        return None
    heads = ["", "cause", "migrations", "environments", "what"]
    return section(cut_table(heads, rows, limit=60, more=_ELSEWHERE))


def _group(item: Mapping[str, Any], order: Sequence[str]) -> Sequence[object]:
    return (
        item["id"],
        code(item["cause"]),
        codes(wording.spans(item["migrations"], order), 8),
        wording.listing(item["environments"], 8),
        item["summary"],
    )


def _order(fleet: Fleet) -> list[str]:
    return list(fleet.labels.values())


def next_steps(fleet: Fleet) -> Section | None:
    """Return the remedies of all environments, each once with the environments that need it, the gravest first."""
    found: dict[str, dict[str, None]] = {}
    entries = [
        (item, name)
        for name, each in fleet.diagnoses.items()
        for item in each.document["findings"]
        if each.state != "not-initialised" or item["scope"] != "chain"
    ]
    for item, name in sorted(entries, key=lambda entry: wording.severity_rank(entry[0])):
        if item["remedy"] and wording.severity_rank(item) <= 1:
            found.setdefault(item["remedy"], {})[name] = None
    lines = [
        f"{prose(text, 500)} ({escape(wording.listing(names, 8))})" for text, names in list(found.items())[:8]
    ]
    rest = f"\n\n{len(found) - 8} more are in the reports of the environments." if len(found) > 8 else ""
    return section("\n".join(f"{place}. {line}" for place, line in enumerate(lines, 1)) + rest) if lines else None
