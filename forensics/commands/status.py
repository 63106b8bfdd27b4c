"""``forensics status``: one line an environment, the matrix of what ran where, and a sum."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics import wording
from forensics.commands.outcome import exit_code, open_for
from forensics.console import STATE, Console, visible
from forensics.diagnosis import Diagnosis
from forensics.model import SEVERITIES

if TYPE_CHECKING:
    from forensics.session import Case

Document = Mapping[str, Any]
_PLAIN = {"✓": "y", "✗": "X", "◐": "/", "·": "."}
_COLOUR = {"ran": "green", "never-ran": "red", "partly": "yellow", "unrecorded": "cyan"}
_ORDER = ("ok", "pending", "needs-fixing", "not-initialised", "unreadable")


def run(options: argparse.Namespace) -> int:
    """Print the state of every environment of the case."""
    case = open_for(options)
    documents = case.document()["environments"]
    if options.format == "json":
        print(json.dumps(status(case, documents), indent=2))
    else:
        _show(Console(sys.stdout), case, documents)
    return exit_code(documents)


def status(case: Case, documents: Sequence[Document]) -> dict[str, Any]:
    """Return the ``forensics/status/1`` document."""
    states = [document["environment"]["state"] for document in documents]
    return {
        "schema": "forensics/status/1",
        "case": {"title": case.title, "incident": case.file.incident},
        "environments": [_entry(document) for document in documents],
        "matrix": [
            {
                "chain": name,
                "migrations": [item["id"] for item in rows[0]["migrations"]],
                "environments": [
                    {
                        "name": document["environment"]["name"],
                        "recorded": [item["recorded"] for item in document["migrations"]],
                        "executed": [item["executed"] for item in document["migrations"]],
                    }
                    for document in rows
                ],
            }
            for name, rows in _chains(documents).items()
        ],
        "summary": {"environments": len(states), **{state: states.count(state) for state in _ORDER}},
    }


def _entry(document: Document) -> dict[str, Any]:
    environment, leading = document["environment"], Diagnosis(document).leading
    executed = [item["executed"] for item in document["migrations"]]
    return {
        "name": environment["name"],
        "state": environment["state"],
        "url": environment.get("url"),
        "cause": leading["cause"] if leading else None,
        "severity": leading["severity"] if leading else None,
        "migrations": list(leading["migrations"]) if leading else [],
        "summary": leading["summary"] if leading else "",
        "recorded": sum(item["recorded"] for item in document["migrations"]),
        "executed": executed.count("yes"),
        "findings": {
            severity: sum(item["severity"] == severity for item in document["findings"]) for severity in SEVERITIES
        },
        "next_failure": document.get("next_failure") or None,
    }


def _chains(documents: Sequence[Document]) -> dict[str, list[Document]]:
    """Return the documents that have migrations, by the name of their chain and its files."""
    found: dict[tuple[str, ...], list[Document]] = {}
    for document in documents:
        if document["migrations"]:
            ids = tuple(item["id"] for item in document["migrations"])
            found.setdefault(((document.get("chain") or {}).get("name", ""), *ids), []).append(document)
    named: dict[str, list[Document]] = {}
    for (name, *_), rows in found.items():
        named[name if name not in named else f"{name} ({len(named) + 1})"] = rows
    return named


def _show(console: Console, case: Case, documents: Sequence[Document]) -> None:
    title = f"{case.title} ({case.file.incident})" if case.file.incident else case.title
    console.paragraph(title, colour="bold")
    console.line()
    names = max(len(visible(document["environment"]["name"])) for document in documents)
    states = max(map(len, wording.STATES.values()))
    for document in documents:
        environment = document["environment"]
        name, state = visible(environment["name"]), environment["state"]
        head = f"  {name:<{names}}  {wording.STATES[state]:<{states}}  "
        text = _cause(document)
        room = console.width - len(head)
        if console.terminal and len(text) > room:
            text = text[: room - 3].rstrip() + "..."
        painted = console.paint(f"{wording.STATES[state]:<{states}}", STATE[state])
        console.line(f"  {name:<{names}}  {painted}  {text}".rstrip())
    for name, rows in _chains(documents).items():
        console.line()
        _matrix(console, name, rows, names)
    console.line()
    console.paragraph(_sum(documents), colour="bold")


def _cause(document: Document) -> str:
    leading = Diagnosis(document).leading
    state = document["environment"]["state"]
    if state == "not-initialised":
        return "an empty database"
    if leading is None or (leading["severity"] == "info" and state == "ok"):
        return ""
    more = sum(item["severity"] != "info" for item in document["findings"]) - 1
    tail = f" (and {more} more)" if more > 0 else ""
    return visible(leading["summary"]) + tail


def _matrix(console: Console, chain: str, rows: Sequence[Document], names: int) -> None:
    labels = [visible(label) for label in wording.labels(rows[0]["migrations"])]
    console.line(console.paint(f"  migrations of {visible(chain)}, in order", "dim"))
    step = max(10, console.width - names - 4)
    used: dict[str, wording.Mark] = {}
    for start in range(0, len(labels), step):
        part = labels[start : start + step]
        for line in _head(part, start):
            console.line(f"  {'':<{names}}  {console.paint(line, 'dim')}")
        for document in rows:
            cells = []
            for item in document["migrations"][start : start + step]:
                mark = wording.mark(item["recorded"], item["executed"])
                used[mark.name] = mark
                glyph = console.glyph(mark.glyph, _PLAIN.get(mark.glyph, mark.glyph))
                cells.append(console.paint(glyph, _COLOUR.get(mark.name, "")))
            console.line(f"  {visible(document['environment']['name']):<{names}}  {''.join(cells)}")
    legend: dict[str, list[str]] = {}
    for mark in wording.MARKS.values():
        if mark.name in used:
            legend.setdefault(console.glyph(mark.glyph, _PLAIN.get(mark.glyph, mark.glyph)), []).append(mark.words)
    text = "   ".join(f"{glyph} {' or '.join(words)}" for glyph, words in legend.items())
    console.paragraph(text, indent="  " + " " * names + "  ")


def _head(labels: Sequence[str], start: int) -> list[str]:
    """Return the labels written downwards where they are short, else a scale that counts them."""
    height = max(map(len, labels), default=0)
    if height <= 4:
        return ["".join(f"{label:>{height}}"[level] for label in labels) for level in range(height)]
    scale = "".join(f"{start + place:<5}" for place in range(1, len(labels) + 1, 5))[: len(labels)]
    return [f"{labels[0]} ... {labels[-1]}" if len(labels) > 1 else labels[0], scale]


def _sum(documents: Sequence[Document]) -> str:
    states = [document["environment"]["state"] for document in documents]
    parts = []
    for state in _ORDER:
        if number := states.count(state):
            words = wording.STATES[state]
            parts.append(f"{number} {words.replace('needs', 'need') if number > 1 else words}")
    return f"{wording.count(len(states), 'database')}: {', '.join(parts)}"
