"""The migration tool cannot load a file."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Migration, Proof
from forensics.rules.advice import see
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, sentence


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration, and each other file of its folder, that its tool cannot load."""
    chain = facts.chain
    if chain is None:
        return
    for trouble in chain.problems:
        if trouble.cause == "unloadable-migration" and not trouble.migrations:
            yield Finding(
                cause="unloadable-migration",
                scope="chain",
                severity="error",
                summary=f"{sentence(trouble.detail)}.",
                evidence=(Proof(source="file", detail=trouble.detail, ref=chain.path),),
                confidence=0.98,
                would_overturn="A run of the migration tool that loads this very file.",
                remedy="Repair the file, or move what is no migration out of the folder.",
                prevention="Load every migration in a test.",
            )
    for item in chain.migrations:
        problem = item.problem
        if not problem:
            continue
        label = chain.label(item.id)
        answer = facts.judged.get(item.id)
        evidence = [Proof(source="file", detail=problem, ref=item.file or "")]
        for event in facts.log_lines([f"{item.version} missing", item.file or item.id], limit=2):
            evidence.append(Proof(source="log", detail=event.message.splitlines()[0][:200], ref=event.ref))
        by_hand = answer is not None and answer.executed == "yes"
        yield Finding(
            cause="unloadable-migration",
            scope="chain",
            severity="error",
            migrations=(label,),
            summary=f"The migration tool cannot load {label}: {problem}."
            + (" Its effects are here all the same: somebody called it by hand." if by_hand else ""),
            evidence=tuple(evidence),
            confidence=0.98,
            would_overturn="A run of the migration tool that loads this very file.",
            remedy=_remedy(facts, item, answer.executed if answer is not None else ""),
            prevention="Load every migration in a test.",
        )


def _remedy(facts: Facts, item: Migration, executed: str) -> str:
    """Return how the file becomes loadable, and what that means where it is recorded, or ran, already."""
    label, file = facts.label(item.id), item.file or item.id
    wanted = facts.chain.hints.entry if facts.chain else ""
    repair = f"{file}: rename {item.entry}() to {wanted}()." if item.entry and wanted else f"Repair {file}."
    recorded = item.id in facts.recorded
    if recorded and executed == "yes":
        return f"{repair} Here it ran and is recorded, so nothing else is needed."
    if recorded:
        by_hand = f"run it by hand then{see('recorded-not-executed', label)}"
        return f"{repair} It is recorded here, so the migration tool will still skip it: {by_hand}."
    if executed == "yes":
        return f"{repair} Here it ran by hand and is not recorded: record it{see('executed-not-recorded', label)}."
    return f"{repair} Here it is not recorded, so the next run executes it then."


RULE = Rule(cause="unloadable-migration", severity="error", question="Can the migration tool load every migration?", check=check)
