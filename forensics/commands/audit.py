"""``forensics audit``: the chain alone, without any database."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forensics import wording
from forensics.auditing import audit
from forensics.case.gathering import chain_of
from forensics.case.spec import ChainSpec
from forensics.commands.outcome import open_for
from forensics.comparison.sides import chain_dialect
from forensics.console import SEVERITY, Console, visible
from forensics.errors import UsageError
from forensics.model import SEVERITIES, ChainEvidence

Document = Mapping[str, Any]


def run(options: argparse.Namespace) -> int:
    """Print the audit; the exit code is 1 for findings about an active chain at or above ``--fail-on``."""
    document = _without_case(options) if options.migrations else _of_case(options)
    if options.format == "json":
        print(json.dumps(document, indent=2))
    else:
        show(Console(sys.stdout), document)
    active = [item for chain in document["chains"] if chain["active"] for item in chain["findings"]]
    if any(item["cause"] == "unreadable" for item in active):
        return 3
    grave = SEVERITIES[: SEVERITIES.index(options.fail_on) + 1]
    return 1 if any(item["severity"] in grave for item in active) else 0


def _without_case(options: argparse.Namespace) -> Document:
    if options.case or options.chains:
        raise UsageError("--migrations stands for itself", remedy="leave out --case and the names of chains")
    spec = ChainSpec(
        name="main", path=options.migrations, root=Path.cwd(), tool=options.tool or "auto",
        archived=tuple(options.archived),
    )  # fmt: skip
    source = _readable(chain_of(spec))
    return audit([source], dialect=options.dialect or chain_dialect(source.chain), trust=options.trust_migrations)


def _of_case(options: argparse.Namespace) -> Document:
    if options.archived or options.tool:
        raise UsageError("--archived and --tool go with --migrations", remedy="write them in the case file")
    case = open_for(options)
    specs = [case.file.chain(name) for name in dict.fromkeys(options.chains)] or list(case.file.chains)
    found: dict[str, Any] = {}
    for spec in specs:
        source = case.chain(spec.name)
        dialect = options.dialect or chain_dialect(source.chain, case)
        part = audit([source], dialect=dialect, cache=case.workspace.cache, trust=case.trust, scratch=case.scratch)
        found = {**part, "chains": [*found.get("chains", []), *part["chains"]]}
    return found


def _readable(source: ChainEvidence) -> ChainEvidence:
    if not source.chain.tool:
        raise UsageError(source.problems[0], remedy="") if source.problems else UsageError("the chain cannot be read")
    return source


def show(console: Console, document: Document) -> None:
    """Write the audit for people: chain by chain the verdict, the findings, and how each migration fared."""
    for number, chain in enumerate(document["chains"]):
        if number:
            console.line()
        _chain(console, chain, document["dialect"])


def _chain(console: Console, chain: Document, dialect: str) -> None:
    kind = "chain" if chain["active"] else "archived chain"
    builds = chain["builds_from_empty"]
    verdict = {True: "builds an empty database", False: "cannot build an empty database", None: "could not be replayed whole"}
    console.paragraph(
        f"{kind} {chain['name']} ({chain['path']}): {verdict[builds]}", colour="green" if builds else "yellow" if builds is None else "red"
    )
    ends = f"from {wording.listing(chain['bases']) or 'nothing'} to {wording.listing(chain['heads']) or 'nothing'}"
    aim = f", target {chain['target']}" if chain["target"] != "heads" else ""
    count = wording.count(chain["count"], "migration")
    console.field("", f"{chain['tool'] or 'unknown tool'}, {count}, {ends}{aim}; on {dialect}", indent="  ", width=2)
    for item in chain["findings"]:
        console.line()
        severity = console.paint(item["severity"].upper(), SEVERITY[item["severity"]])
        about = ", ".join(visible(name) for name in item["migrations"])
        console.line(f"  {item['id']}  {severity}  {item['cause']}{'  ' + about if about else ''}")
        console.paragraph(item["summary"], indent="      ")
        for proof in item["evidence"][:4]:
            console.field("proof", f"{proof['source']}: {proof['detail']}", indent="      ")
        console.field("do", item["remedy"], indent="      ")
    if not chain["migrations"]:
        return
    console.line()
    console.line("  In the order in which they run:")
    width = max(len(visible(item["version"])) for item in chain["migrations"])
    for item in chain["migrations"]:
        changes = item["changes"]
        told = {
            "runs": wording.count(changes, "change") if changes else "changes no object",
            "fails": "fails from empty",
            "not-run": f"could not be run here: {item['reason']}",
            "unloadable": f"cannot be loaded: {item['reason']}",
            "unknown": "not replayed",
        }[item["replay"]]
        console.paragraph(f"{visible(item['version']):<{width}}  {told}", indent="    ", hanging=" " * (6 + width))
