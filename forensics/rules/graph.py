"""What the rules about the graph of a chain have in common: the adapter has found the problem already."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts


def graph_rule(*, cause: str, question: str, remedy: str, prevention: str) -> Rule:
    """Return the rule that reports one kind of `ChainProblem`."""

    def check(facts: Facts) -> Iterator[Finding]:
        chain = facts.chain
        for problem in chain.problems if chain else ():
            if problem.cause != cause or chain is None:
                continue
            files = [chain.by_id[name].file or name for name in problem.migrations if name in chain.by_id]
            yield Finding(
                cause=cause,
                scope="chain",
                severity="error",
                migrations=tuple(chain.label(name) for name in problem.migrations),
                summary=f"{problem.detail[:1].upper()}{problem.detail[1:]}.",
                evidence=(Proof(source="file", detail=problem.detail, ref=", ".join(files) or chain.path),),
                confidence=0.99,
                would_overturn="A file that this folder does not hold.",
                remedy=remedy,
                prevention=prevention,
            )

    return Rule(cause=cause, severity="error", question=question, check=check)
