"""The recorded revision is unknown everywhere, git included."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts
from forensics.rules.missing_file import gone, orphans


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded head that no folder and no commit knows."""
    if facts.history.keeps != "head" or facts.chain is None:
        return
    explained = {match.row.version for match, _known in gone(facts)}
    explained |= {item.version for chain in facts.chain.archived for item in chain.migrations}
    for match in orphans(facts):
        version = match.row.version
        if version in explained:
            continue
        looked = (
            "the active chain, the archived chains and git"
            if facts.versions
            else "the active and the archived chains (no git history was given)"
        )
        yield Finding(
            cause="orphan-revision",
            scope="environment",
            severity="critical",
            migrations=(version,),
            summary=f"The tracker stands at {version!r}, which is unknown everywhere: the tool cannot run at all here.",
            evidence=(
                Proof(source="tracker", detail=f"recorded: {version}", ref=match.row.ref),
                Proof(source="chain", detail=f"not found in {looked}", ref=facts.chain.path),
            ),
            confidence=0.9 if facts.versions else 0.75,
            would_overturn="A branch, an image or a backup that holds this revision.",
            remedy="Find the code that was deployed when it was recorded; until then change nothing in the tracker.",
            prevention="Keep every revision that was ever deployed in the repository.",
        )


RULE = Rule(cause="orphan-revision", severity="critical", question="Is the recorded revision unknown?", check=check)
