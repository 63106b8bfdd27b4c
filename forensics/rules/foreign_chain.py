"""The recorded revision belongs to an archived or another chain."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.missing_file import orphans


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded version that only an archived chain knows."""
    chain = facts.chain
    if chain is None or facts.history.keeps != "head":
        return
    for match in orphans(facts):
        owners = [other for other in chain.archived if match.row.version in other.by_version]
        if not owners:
            continue
        files = [item.file or item.id for other in owners for item in other.by_version[match.row.version]]
        yield Finding(
            cause="foreign-chain",
            scope="environment",
            severity="critical",
            migrations=(match.row.version,),
            summary=f"The tracker stands at {match.row.version!r}, which belongs to the archived chain "
            f"{listing([other.path for other in owners])}: the active chain does not know it, so the tool cannot run here.",
            evidence=(
                Proof(source="tracker", detail=f"recorded: {match.row.version}", ref=match.row.ref),
                Proof(source="file", detail=f"found in {listing(files)}", ref=files[0]),
            ),
            confidence=0.95,
            would_overturn="The same revision in the active chain.",
            remedy="Compare what both chains build; where they agree, stamp the active chain's head, else close the difference first.",
            prevention="When a chain is replaced, stamp every environment in the same change.",
        )


RULE = Rule(
    cause="foreign-chain",
    severity="critical",
    question="Does the recorded revision belong to another chain?",
    check=check,
)
