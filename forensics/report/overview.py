"""The fleet at a glance: which database is in which state, and what several of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.case import folder_name
from forensics.diagnosis import Diagnosis, Fleet
from forensics.markdown import Markdown, code, escape
from forensics.report.text import Section, bullets, clip, codes, cut_table, prose, section

_ELSEWHERE = "the others are in the reports of their environments"


def overview(fleet: Fleet) -> Section | None:
    """Return the title, the verdict, and what to do first."""
    case = fleet.document["case"]
    title = f"# {escape(clip(case.get('title') or case.get('name') or 'All environments', 200))}"
    incident = f"Incident {escape(case['incident'])}." if case.get("incident") else ""
    grave = [each for each in fleet.diagnoses.values() if each.state in ("needs-fixing", "unreadable")]
    lines = [escape(clip(each.verdict, 400)) for each in grave]
    first = bullets(lines[:8]) + (f"\n- and {len(lines) - 8} more below" if len(lines) > 8 else "")
    return section(title, f"**{escape(fleet.verdict)}** {incident}".rstrip(), first if lines else None)


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
        f"{prose(text, 500)} ({escape(wording.listing(names, 8))})" for text, names in list(found.items())[:12]
    ]
    rest = f"\n{len(found) - 12} more are in the reports of the environments." if len(found) > 12 else ""
    return section("\n".join(f"{place}. {line}" for place, line in enumerate(lines, 1)) + rest) if lines else None
