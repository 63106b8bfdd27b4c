"""The chain, or part of it, could not be replayed here."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing

_LOST = {
    "setup": "What it would have made or registered is missing in every replay.",
    "naming_convention": "Constraints without a name are named as the database names them.",
    "models": "A database that was created from the models cannot be recognised.",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each hint that failed, and one for the migrations that could not be run, with the hint that would help."""
    yield from (_hint(name, why) for name, why in facts.troubles)
    if not facts.not_run:
        return
    names = [item.id for item in facts.migrations if item.id in facts.not_run and item.loadable]
    if not names:
        return
    labels = facts.labels(names)
    yield Finding(
        cause="not-replayable",
        scope="chain",
        severity="warning",
        migrations=labels,
        summary=f"{listing(labels)} could not be replayed here: {facts.not_run[names[0]]}. {_known(facts, names)}",
        evidence=tuple(Proof(source="replay", detail=facts.not_run[name], ref=facts.label(name)) for name in names[:8]),
        confidence=0.95,
        would_overturn="A replay with the hint in place.",
        remedy="Put the named hint into the case file (python, sys_path, setup, environment, trust) and run again.",
        prevention="Let migrations import nothing of the application.",
    )


def _hint(name: str, why: str) -> Finding:
    return Finding(
        cause="not-replayable",
        scope="chain",
        severity="warning",
        summary=f"The hint `{name}` of the case file failed, and the replay went without it: {why}. {_LOST[name]}",
        evidence=(Proof(source="replay", detail=why, ref=f"hint {name}"),),
        confidence=0.99,
        would_overturn="A replay with the hint in order.",
        remedy=f"Correct `{name}` in the case file, or add what it needs (python, sys_path, environment, trust), and run again.",
        prevention="Run `forensics audit` after each change of the case file.",
    )


def _known(facts: Facts, names: list[str]) -> str:
    read = facts.labels([name for name in names if name in facts.judged and facts.judged[name].basis == "static"])
    dark = facts.labels([name for name in names if name not in facts.judged or facts.judged[name].basis != "static"])
    said = [f"Of {listing(read)} it is concluded from the text alone (basis: static)."] if read else []
    return " ".join([*said, *([f"What {listing(dark)} did is not known."] if dark else [])])


RULE = Rule(
    cause="not-replayable", severity="warning", question="Could part of the chain not be replayed?", check=check
)
