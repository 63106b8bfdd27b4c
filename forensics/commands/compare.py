"""``forensics compare``: in what two environments, snapshots, databases or chains differ."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from forensics import wording
from forensics.commands.outcome import open_for
from forensics.comparison.frames import comparison, order
from forensics.comparison.sides import compare_two
from forensics.conclusions.equivalence import Comparison, Failing, Side
from forensics.console import Console, visible
from forensics.model import Change

if TYPE_CHECKING:
    from forensics.session import Case

_STATES = {"missing": "only left", "extra": "only right", "altered": "differs", "renamed": "other name"}
_HOW = {"dropped": "{} dropped it before", "made": "{} made it before", "never": "nothing in the chain makes it"}


def run(options: argparse.Namespace) -> int:
    """Print the differences; the exit code is 1 where there is drift."""
    case = _case(options)
    found = compare_two(
        options.left, options.right, case=case, dialect=options.dialect or "", trust=options.trust_migrations
    )
    if options.format == "json":
        print(json.dumps(comparison(found), indent=2))
    else:
        show(Console(sys.stdout), found)
    return 0 if found.equal else 1


def _case(options: argparse.Namespace) -> Case | None:
    if options.case or options.evidence or Path("forensics.toml").is_file():
        return open_for(options)
    return None


def show(console: Console, found: Comparison) -> None:
    """Write a comparison for people: the verdict, the sides, drift, and apart from it names and orders."""
    difference = found.difference
    count = len(found.changes)
    verdict = "mean the same" if found.equal else f"differ in {wording.count(count, 'object')}"
    console.paragraph(f"{found.left.name} and {found.right.name} {verdict}", colour="green" if found.equal else "bold")
    for label, side in (("left", found.left), ("right", found.right)):
        _side(console, label, side)
    if found.changes:
        console.line()
        for change in found.changes:
            _change(console, found, change)
    if difference.renamed:
        console.line()
        console.line("The same definition under another name")
        for change in difference.renamed:
            _change(console, found, change)
    if difference.reordered:
        console.line()
        console.line("The same columns in another order")
        for before, after in difference.reordered:
            console.line(f"  {visible(after.name)}")
            console.field("left", order(before), indent="      ", width=7)
            console.field("right", order(after), indent="      ", width=7)


def _side(console: Console, label: str, side: Side) -> None:
    dialect = f"{side.snapshot.dialect} {side.snapshot.server_version}".strip()
    tables = wording.count(len(side.snapshot.groups) - len(side.ignored), "table or view", "tables and views")
    path = f" {side.path}" if side.path and side.path != side.name else ""
    console.field(label, f"{side.kind} {side.name}{path}: {tables}, {dialect}", indent="  ", width=7)
    for item in side.failures:
        console.field("", f"cannot build an empty database: {said(item)}", indent="  ", width=7)
    for name, why in side.not_run.items():
        console.field("", f"{name} could not be run here: {why}", indent="  ", width=7)


def said(item: Failing) -> str:
    """Return in words why a migration fails from empty."""
    statement = " ".join(item.statement.split())[:160]
    text = f"{item.migration} fails" + (f" at `{statement}`" if statement else "") + f": {item.error}"
    if item.because is not None:
        how = _HOW[item.because.how].format(item.because.migration)
        text += f" ({item.because.kind} {item.because.name}: {how})"
    if item.supplied:
        text += f"; it goes through where something else has made {', '.join(item.supplied)}, which is assumed here"
    return text


def _change(console: Console, found: Comparison, change: Change) -> None:
    item = change.subject
    name = item.name if item.table is None or item.kind in ("table", "view") else f"{item.table}.{item.name}"
    console.line(f"  {_STATES[change.state]:<11}{item.kind.replace('_', ' ')} {visible(name)}")
    for attribute, left, right in change.attributes:
        console.field(attribute, f"{_value(left)} | {_value(right)}", indent="      ", width=12)
    made = [
        f"{label}: {maker}"
        for label, side, key in (
            ("left", found.left, (change.expected or item).key), ("right", found.right, (change.actual or item).key)
        )
        if (maker := side.maker(key))
    ]  # fmt: skip
    if made:
        console.field("made by", ", ".join(made), indent="      ", width=12)


def _value(value: object) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
