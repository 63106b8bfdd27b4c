"""The migration tool cannot load a file."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
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
                would_overturn="A run of the tool that loads this very file.",
                remedy="Mend the file, or move what is no migration out of the folder.",
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
            would_overturn="A run of the tool that loads this very file.",
            remedy="Mend the file under a new version where it is recorded anywhere; where it is not, mend it in place.",
            prevention="Load every migration in a test.",
        )


RULE = Rule(cause="unloadable-migration", severity="error", question="Can the tool load every migration?", check=check)
