"""What the rules about the graph of a chain have in common: the adapter has found the problem already."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from forensics.model import Chain, ChainProblem, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, sentence


def graph_rule(
    *,
    cause: str,
    question: str,
    remedy: str,
    prevention: str,
    meant: Callable[[Chain, ChainProblem], str] = lambda _chain, _problem: "",
) -> Rule:
    """Return the rule that reports one kind of `ChainProblem`.

    ``meant`` says in words why a problem is none: it was made on purpose. Then it is information only.
    """

    def check(facts: Facts) -> Iterator[Finding]:
        chain = facts.chain
        for problem in chain.problems if chain else ():
            if problem.cause != cause or chain is None:
                continue
            why = meant(chain, problem)
            files = [chain.by_id[name].file or name for name in problem.migrations if name in chain.by_id]
            yield Finding(
                cause=cause,
                scope="chain",
                severity="info" if why else "error",
                migrations=tuple(chain.label(name) for name in problem.migrations),
                summary=f"{sentence(problem.detail)}." + (f" Info only: {why}." if why else ""),
                evidence=(Proof(source="file", detail=problem.detail, ref=", ".join(files) or chain.path),),
                confidence=0.99,
                would_overturn="A file that this folder does not hold.",
                remedy=remedy,
                prevention=prevention,
            )

    return Rule(cause=cause, severity="error", question=question, check=check)
