"""Two files claim one version."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each version that several files claim."""
    chain = facts.chain
    if chain is None:
        return
    for problem in (item for item in chain.problems if item.cause == "duplicate-version"):
        items = [chain.by_id[name] for name in problem.migrations if name in chain.by_id]
        same = len({item.content.sha256 for item in items}) == 1
        version = items[0].version if items else ""
        files = [item.file or item.id for item in items]
        evidence = [Proof(source="file", detail=problem.detail, ref=", ".join(files))]
        for item in items:
            if item.id in facts.judged:
                evidence.append(
                    Proof(
                        source="replay",
                        detail=f"{item.file}: executed here: {facts.judged[item.id].executed}",
                        ref=item.file or "",
                    )
                )
        yield Finding(
            cause="duplicate-version",
            scope="chain",
            severity="warning" if same else "error",
            migrations=tuple(item.id for item in items),
            summary=f"{len(items)} files claim version {version}: {listing(files)}. The tracker can hold it only once: where it is "
            "recorded, the other file never runs; where it is not, the second runs and then fails to be recorded."
            + (" They have the same bytes (a copy), so this is a warning." if same else ""),
            evidence=tuple(evidence),
            confidence=0.99,
            would_overturn="A manager that tells the files apart by more than their number.",
            remedy="Delete the copy." if same else "Give a new number to the file that no environment has run.",
            prevention="Let a check on every pull request refuse a number that is taken.",
        )


RULE = Rule(cause="duplicate-version", severity="error", question="Do two files claim one version?", check=check)
