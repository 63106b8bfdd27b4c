"""What a diagnosis looks like when a notebook shows it: the verdict, a strip of migrations, the findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics import markdown, palette, wording
from forensics.markdown import html_text as text

if TYPE_CHECKING:
    from forensics.diagnosis import Diagnosis, Fleet
    from forensics.palette import Ink

_BOX = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:64em;text-align:left"
_CELL = "padding:.3em .8em .3em 0;vertical-align:top;text-align:left;border-top:1px solid rgba(128,128,128,.3)"


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as a piece of HTML that fits any notebook, light or dark."""
    document = diagnosis.document
    head = f"<b>{text(diagnosis.environment)}</b> {_state(diagnosis.state)} {_facts(document)}"
    parts = [f'<div style="margin-bottom:.4em">{head}</div>', f"<div>{text(diagnosis.verdict)}</div>"]
    if diagnosis.marks:
        parts += [_strip(diagnosis), f"<div>{_tally(diagnosis)}</div>"]
    if document.get("findings"):
        parts.append(_table(["", "finding", "migrations", "what"], map(_finding, document["findings"])))
    if document.get("criteria"):
        parts.append(_criteria(document["criteria"]))
    return f'<div style="{_BOX}">{"".join(parts)}</div>'


def fleet_html(fleet: Fleet) -> str:
    """Return the fleet as one row an environment, with its strip of migrations."""
    rows = [
        (f"<b>{text(name)}</b>", _state(each.state), (_strip(each) if each.marks else "") + _tally(each))
        for name, each in fleet.diagnoses.items()
    ]
    table = _table(["environment", "state", "migrations"], rows)
    return f'<div style="{_BOX}"><div>{text(fleet.verdict)}</div>{table}</div>'


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    """Return the verdict and the findings as Markdown."""
    lines = [f"**{markdown.escape(diagnosis.verdict)}**"]
    findings = diagnosis.document.get("findings")
    if findings:
        rows = [(item["id"], item["severity"], item["cause"], item["summary"]) for item in findings]
        lines.append(markdown.table(["", "severity", "cause", "what"], rows))
    criteria = diagnosis.document.get("criteria")
    if criteria:
        lines.append(f"Is it over? {markdown.escape(wording.over(criteria))}")
        told = [(item["text"], wording.MET[item["met"]], item["found"]) for item in criteria]
        lines.append(markdown.table(["criterion", "answer", "what was found"], told))
    return "\n\n".join(lines)


def fleet_markdown(fleet: Fleet) -> str:
    """Return one row an environment as Markdown."""
    rows = [(name, wording.STATES[each.state], each.verdict) for name, each in fleet.diagnoses.items()]
    return f"**{markdown.escape(fleet.verdict)}**\n\n" + markdown.table(["environment", "state", "verdict"], rows)


def _facts(document: Mapping[str, Any]) -> str:
    environment, tracker, chain = document["environment"], document.get("tracker") or {}, document.get("chain") or {}
    facts = [environment.get("url"), " ".join(filter(None, map(environment.get, ("dialect", "server_version"))))]
    if chain:
        facts.append(f"chain {chain['name']}, {wording.count(chain['count'], 'migration')}")
    if tracker:
        facts.append(f"tracker {tracker.get('table') or 'absent'}")
    return f'<span style="opacity:.7">{text(" · ".join(filter(None, facts)))}</span>'


def _badge(words: str, ink: Ink) -> str:
    style = f"background:{ink.fill};color:{ink.text};border:1px solid {ink.edge};border-radius:.3em;padding:0 .4em"
    return f'<span style="{style};white-space:nowrap">{text(words)}</span>'


def _state(state: str) -> str:
    return _badge(wording.STATES.get(state, state), palette.STATES.get(state, palette.SEVERITIES["info"]))


def _strip(diagnosis: Diagnosis) -> str:
    cells = []
    for label, mark in zip(diagnosis.labels, diagnosis.marks, strict=True):
        ink = palette.MARKS[mark.name]
        style = f"background:{ink.fill};color:{ink.text};border:1px solid {ink.edge};width:1.3em;text-align:center"
        cells.append(f'<span title="{text(label)}: {text(mark.words)}" style="{style}">{mark.glyph}</span>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:1px;margin:.5em 0;font-size:12px">{"".join(cells)}</div>'


def _tally(diagnosis: Diagnosis) -> str:
    return "; ".join(
        f"{mark.glyph} {text(mark.words)}: {text(wording.listing(labels))}" for mark, labels in diagnosis.marked.items()
    )


def _finding(item: Mapping[str, Any]) -> Sequence[str]:
    proofs = "".join(
        f"<li>{side}{text(proof['source'])}: {text(proof['detail'])} <code>{text(proof.get('ref', ''))}</code></li>"
        for side, key in (("", "evidence"), ("against: ", "evidence_against"))
        for proof in item[key]
    )
    summary = f"<details><summary>{text(item['summary'])}</summary><ul>{proofs}</ul>{text(item['remedy'])}</details>"
    badge = _badge(item["severity"], palette.SEVERITIES[item["severity"]])
    what = f"{text(item['id'])} {text(item['cause'])}"
    return badge, what, text(wording.listing(wording.spans(item["migrations"], sorted(item["migrations"])))), summary


def _criteria(items: Sequence[Mapping[str, Any]]) -> str:
    """Return whether it is over in a sentence, and each criterion behind it."""
    rows = [(text(wording.MET[item["met"]]), text(item["text"]), text(item["found"])) for item in items]
    head = f"Is it over? {text(wording.over(items))}"
    return f"<details><summary>{head}</summary>{_table(['', 'criterion', 'what was found'], rows)}</details>"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    style = "text-align:left;font-weight:600;padding-right:.8em"
    head = "".join(f'<th style="{style}">{text(header)}</th>' for header in headers)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f'<table style="border-collapse:collapse;margin-top:.6em"><tr>{head}</tr>{body}</table>'
