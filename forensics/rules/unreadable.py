"""Some evidence could not be read."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing, sentence


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
    yield from _logs(facts)
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


def _logs(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for the logs that are not there, are cut short, or say nothing that is understood."""
    events = [item for item in facts.evidence.events if item.source == "log"]
    unknown = [item for item in events if item.message.endswith("in no known log format")]
    said = {item.ref.rpartition(":")[0] for item in events if item not in unknown and item.at is not None}
    troubles = [(item.message, item.ref) for item in events if "could not be read to its end" in item.message]
    troubles += [
        (f"of {file} nothing is understood: {item.message}", item.ref)
        for item in unknown
        if (file := item.ref.rpartition(":")[0]) not in said
    ]
    troubles += [
        (f"the log {item.name} is not there", item.ref)
        for item in facts.evidence.exhibits
        if item.kind == "log" and item.how == "no file has this name" and not set("*?[") & set(item.name)
    ]
    if troubles:
        yield Finding(
            cause="unreadable",
            scope="environment",
            severity="warning",
            summary=f"{sentence(listing([what for what, _ in troubles], 4))}. What could be read is reported; this is a warning.",
            evidence=tuple(Proof(source="log", detail=what, ref=ref) for what, ref in troubles[:8]),
            confidence=0.99,
            would_overturn="The whole log, in a format that is known.",
            remedy="Give the whole file, in a format that PostgreSQL, Alembic or common loggers write, and run again.",
            prevention="Keep logs whole, with a time on every entry.",
        )


RULE = Rule(cause="unreadable", severity="error", question="Could some evidence not be read?", check=check)
