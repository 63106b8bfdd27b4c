"""Added to the chain behind what was already applied, so it never runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each migration that a head-only tracker implies, that did not run, and that git saw first after its successor."""
    if facts.chain is None or facts.history.keeps != "head" or not facts.versions:
        return
    first: dict[str, tuple[datetime, str]] = {}
    for version in facts.versions:
        stem = version.path.rsplit("/", 1)[-1]
        first.setdefault(stem, (version.at, version.commit))
    children = {parent: item for item in facts.chain.migrations for parent in item.parents}
    for item in facts.chain.migrations:
        child = children.get(item.id)
        if child is None or item.id not in facts.recorded or item.id not in facts.executed("no"):
            continue
        own, later = first.get((item.file or "").rsplit("/", 1)[-1]), first.get((child.file or "").rsplit("/", 1)[-1])
        if own is None or later is None or own[0] <= later[0]:
            continue
        yield Finding(
            cause="inserted-behind-head",
            scope="environment",
            severity="error",
            migrations=(facts.label(item.id),),
            summary=f"{facts.label(item.id)} was added to the chain behind {facts.label(child.id)}, "
            "which had run already: it never ran here.",
            evidence=(
                Proof(
                    source="git",
                    detail=f"its file is younger than that of {facts.label(child.id)}",
                    ref=f"git:{own[1][:12]}",
                ),
            ),
            confidence=0.9,
            would_overturn="A commit in which it stood before its successor.",
            remedy="Write its change as a new migration at the head, guarded.",
            prevention="Never put a migration before one that is applied anywhere.",
        )


RULE = Rule(
    cause="inserted-behind-head",
    severity="error",
    question="Was a migration inserted behind the applied head?",
    check=check,
)
