"""Some evidence could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, sentence


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each kind of evidence that could not be read."""
    evidence = facts.evidence
    troubles: list[tuple[str, str, str]] = []
    if evidence.state == "unreadable":
        troubles.append(
            (evidence.problem or "it could not be read", evidence.remedy, evidence.url or evidence.environment)
        )
    if facts.history.state == "unreadable":
        troubles.append(
            (facts.history.problem or "the tracker could not be read", "", facts.history.table or "tracker")
        )
    chain = facts.chain
    unread = [item.detail for item in chain.problems if item.cause == "unreadable"] if chain else []
    unread += facts.source.problems if facts.source else ()
    troubles += [(problem, "", chain.path if chain else "chain") for problem in dict.fromkeys(unread)]
    for problem, remedy, where in troubles:
        main = where == (evidence.url or evidence.environment)
        yield Finding(
            cause="unreadable",
            scope="environment" if main or where == facts.history.table else "chain",
            severity="error" if main or where == facts.history.table else "warning",
            summary=sentence(problem)
            + ("." if not problem.endswith(".") else "")
            + ("" if main else " What could be read is reported; this is a warning."),
            evidence=(Proof(source="acquisition", detail=problem, ref=where),),
            confidence=0.99,
            would_overturn="A second try that succeeds.",
            remedy=remedy or "Make it readable and run again; everything else is reported all the same.",
            prevention="Give the investigation a read-only account and the whole of the evidence.",
        )


RULE = Rule(cause="unreadable", severity="error", question="Could some evidence not be read?", check=check)
