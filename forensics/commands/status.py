"""``forensics status``: one line an environment, the matrix of what ran where, and a sum."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from forensics import wording
from forensics.commands.grid import Grid, grids
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
                "chain": grid.chain,
                "migrations": [item["id"] for item in grid.migrations],
                "environments": [
                    {
                        "name": name,
                        "recorded": [item and item["recorded"] for item in items],
                        "executed": [item and item["executed"] for item in items],
                    }
                    for name, items in grid.rows
                ],
            }
            for grid in grids(documents)
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
    for grid in grids(documents):
        console.line()
        _matrix(console, grid, names)
    console.line()
    console.paragraph(_sum(documents), colour="bold")


def _cause(document: Document) -> str:
    state = document["environment"]["state"]
    if state == "not-initialised":
        # What the chain would do on an empty database is not the matter here.
        own = [item for item in document["findings"] if item["scope"] == "environment"]
        return visible(min(own, key=wording.severity_rank)["summary"]) if own else wording.cause("uninitialised")
    leading = Diagnosis(document).leading
    if leading is None or (leading["severity"] == "info" and state == "ok"):
        return ""
    more = sum(item["severity"] != "info" for item in document["findings"]) - 1
    tail = f" (and {more} more)" if more > 0 else ""
    return visible(leading["summary"]) + tail


def _matrix(console: Console, grid: Grid, names: int) -> None:
    console.line(console.paint(f"  migrations of {visible(grid.chain)}, in order", "dim"))
    step = max(10, console.width - names - 4)
    used: set[wording.Mark] = set()
    for start in range(0, len(grid.migrations), step):
        for line in _head([visible(item["version"]) for item in grid.migrations[start : start + step]], start):
            console.line(f"  {'':<{names}}  {console.paint(line, 'dim')}".rstrip())
        for name, items in grid.rows:
            marks = [item and wording.mark(wording.claimed(item), item["executed"]) for item in items[start : start + step]]
            used.update(mark for mark in marks if mark)
            cells = [
                console.paint(_glyph(console, mark), _COLOUR.get(mark.name, "")) if mark else " " for mark in marks
            ]
            console.line(f"  {visible(name):<{names}}  {''.join(cells)}".rstrip())
    legend: dict[str, list[str]] = {}
    for mark in wording.MARKS.values():
        if mark in used:
            legend.setdefault(_glyph(console, mark), []).append(mark.words)
    for glyph, words in legend.items():
        console.line(f"  {'':<{names}}  {glyph} {' or '.join(words)}")


def _glyph(console: Console, mark: wording.Mark) -> str:
    return console.glyph(mark.glyph, _PLAIN.get(mark.glyph, mark.glyph))


def _head(labels: Sequence[str], start: int) -> list[str]:
    """Return the versions written downwards where they are short, else the first, the last and a scale."""
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
