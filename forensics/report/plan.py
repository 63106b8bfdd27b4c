"""What to do, in order, and whether it is over: the plan of one environment, and the criteria of the case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forensics import wording
from forensics.diagnosis import Diagnosis, Fleet
from forensics.markdown import Markdown, block, code, escape
from forensics.report.summary import link, linked
from forensics.report.text import Section, bullets, clip, cut_table, prose, section

_GLYPHS = {True: "✓", False: "✗", None: "?"}
_MORE = "all of them are in [findings.json](findings.json)"
_UNSAID = ("", "none needed", "this is the backup")
_MOST = 40


def plan(diagnosis: Diagnosis) -> Section | None:
    """Return the steps in their order: what is run, what can happen, how to see that it went well, and the way back."""
    steps: Sequence[Mapping[str, Any]] = diagnosis.document.get("plan") or ()
    if not steps:
        return None
    head = f"**In this order.** {escape(wording.no_return(steps))} What is said to be tried was tried on a private copy of the schema."
    rest = f"{len(steps) - _MOST:,} more are left out here: {_MORE}." if len(steps) > _MOST else None
    return section(head, *(_step(item) for item in steps[:_MOST]), rest)


def _step(item: Mapping[str, Any]) -> str:
    marks = ["**Point of no return.** "] if item["point_of_no_return"] else []
    marks += ["*Optional.* "] if item["optional"] else []
    links = f" ({', '.join(map(link, item['for']))})" if item["for"] else ""
    parts = [f"**Step {item['number']}.** {''.join(marks)}{linked(item['do'])}{links}"]
    if item["command"]:
        parts.append(block(item["command"], "sh"))
    if item["sql"]:
        parts.append("Or, to the same effect, in SQL:" if item["command"] else "")
        parts.append(block(_sql(item["sql"]), "sql"))
    parts.append(bullets(_notes(item)))
    if item["undo"]:
        parts.append(f"The way back in SQL:\n\n{block(_sql(item['undo']), 'sql')}")
    return "\n\n".join(filter(None, parts))


def _notes(item: Mapping[str, Any]) -> Iterator[str]:
    if item["tried"]:
        yield prose(item["tried"])
    for name, words in (("risk", "Risk"), ("backup", "Backup"), ("verify", "Verify"), ("back", "Way back")):
        if item[name] not in _UNSAID:
            yield f"*{words}:* {prose(item[name])}"


def _sql(statements: Sequence[str]) -> str:
    return "\n".join(f"{clip(text.strip().rstrip(';'), 2000)};" for text in statements)


def criteria(source: Diagnosis | Fleet) -> Section | None:
    """Return whether it is over: each criterion with what was found, or over all environments where it is met."""
    return _of_fleet(source) if isinstance(source, Fleet) else _of_one(source)


def _of_one(diagnosis: Diagnosis) -> Section | None:
    items: Sequence[Mapping[str, Any]] = diagnosis.document.get("criteria") or ()
    if not items:
        return None
    rows = [(item["text"], _met(item["met"]), item["found"], _checked(item)) for item in items]
    return section(
        f"**{escape(wording.over(items))}**",
        cut_table(["criterion", "answer", "what was found", "what was looked at"], rows, limit=60, more=_MORE),
    )


def _met(met: bool | None) -> str:
    return f"{_GLYPHS[met]} {wording.MET[met]}"


def _checked(item: Mapping[str, Any]) -> Markdown:
    return Markdown(f"{escape(item['kind'].replace('_', ' '))} {code(clip(item['subject'], 160))}")


def _of_fleet(fleet: Fleet) -> Section | None:
    items: Sequence[Mapping[str, Any]] = fleet.document.get("criteria") or ()
    if not items:
        return None
    names = [name for name, each in fleet.diagnoses.items() if each.document.get("criteria")]
    over = [name for name in names if all(item["met"] for item in fleet.diagnoses[name].document["criteria"])]
    total = wording.count(len(names), "environment")
    said = f"In {len(over)} of {total} every criterion is met{f': {wording.listing(over, 14)}' if over else ''}."
    rows = [[item["text"], *(_answer(item, name) for name in names)] for item in items]
    legend = "; ".join(f"{glyph} {wording.MET[met]}" for met, glyph in _GLYPHS.items())
    return section(
        f"**{escape(said)}**",
        cut_table(["criterion", *names], rows, limit=60, more="the others are in the reports of the environments"),
        escape(f"{legend}; empty: not asked there. What was found stands in the report of each environment."),
    )


def _answer(item: Mapping[str, Any], name: str) -> str:
    for met, key in ((True, "met"), (False, "not_met"), (None, "cannot_tell")):
        if name in item[key]:
            return _GLYPHS[met]
    return ""
