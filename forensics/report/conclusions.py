"""What is concluded: each finding with its evidence, what happens next, what to do, how to prevent it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis
from forensics.markdown import Markdown, block, code, escape
from forensics.report.summary import link, standing
from forensics.report.text import Section, bullets, clip, codes, cut_table, fit, prose, section

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
    return section(
        fit((_finding(item, diagnosis.labels) for item in own), room=24_000, more=ALL) if own else None,
        _of_the_chain([item for item in rows if item not in own]),
    )


def _of_the_chain(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what is true of the chain alone, in short: a database that tells nothing has no part in it."""
    if not rows:
        return None
    lines = [
        (Markdown(f'<a id="{_anchor(item["id"])}"></a>{escape(item["id"])}'), item["severity"], item["cause"], item["summary"])
        for item in rows
    ]
    head = "What is known of the chain itself, wherever it runs:"
    return f"{head}\n\n" + cut_table(["", "severity", "cause", "what"], lines, limit=20, more=ALL)


def _anchor(number: str) -> str:
    return link(number).split("(#")[1].rstrip(")")


def _finding(item: Mapping[str, Any], order: Sequence[str]) -> str:
    number = item["id"]
    title = f'### <a id="{_anchor(number)}"></a>{escape(number)}, {item["severity"]}: {escape(wording.cause(item["cause"]))}'
    facts = [
        f"*{standing(item)}*, confidence {item['confidence']:.0%}",
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
        (side, proof["source"], proof["detail"], code(clip(proof["ref"], 160)) if proof.get("ref") else "")
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
            prose(item["summary"]),
            ", ".join(facts) + ".",
            cut_table(["evidence", "source", "what it shows", "where"], rows, limit=8, more=ALL),
            bullets(filter(None, notes)),
        ]
    ).rstrip()


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
    text = "No failure is foreseen." if explained and not others else None
    if failure:
        cause = failure.get("cause")
        text = (
            f"The next run stops at {code(failure.get('file') or failure['migration'])}: "
            f"**{escape(clip(failure['error']))}**"
            + (f" ({escape(wording.cause(cause))})." if cause else ".")
            + (f"\n\n{block(clip(failure['statement'], 1200), 'sql')}" if failure.get("statement") else "")
        )
    rows = [
        (item["migration"], item["error"], wording.cause(item["cause"]) if item.get("cause") else "")
        for item in others
    ]
    also = "When their turn comes, these will fail too:\n\n" + cut_table(
        ["migration", "error", "cause"], rows, limit=25, more=ALL
    )
    rerun = f"Run again by hand, {codes(again)} would fail: what they make is there already, or gone for good."
    return section(text, also if rows else None, rerun if again else None)


def what_to_do(diagnosis: Diagnosis) -> Section | None:
    """Return the remedies, those of the gravest findings first, each once."""
    return _advice(diagnosis, "remedy", numbered=True)


def prevention(diagnosis: Diagnosis) -> Section | None:
    """Return how to prevent what was found, each advice once."""
    return _advice(diagnosis, "prevention", numbered=False)


def _advice(diagnosis: Diagnosis, key: str, *, numbered: bool) -> Section | None:
    found: dict[str, list[str]] = {}
    for item in sorted(diagnosis.document["findings"], key=wording.urgency):
        if item[key] and not (diagnosis.silent and item["scope"] == "chain"):
            found.setdefault(item[key], []).append(item["id"])
    lines = [f"{prose(text)} ({', '.join(map(link, ids))})" for text, ids in found.items()]
    if numbered:
        return section("\n".join(f"{place}. {line}" for place, line in enumerate(lines[:12], 1)))
    return section(bullets(lines[:12]))

