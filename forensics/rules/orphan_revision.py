"""The recorded revision is unknown everywhere, git included."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded head that no folder and no commit knows."""
    if facts.chain is None or facts.source is None:
        return
    searched = bool(facts.versions or facts.source.beyond)
    for item in facts.foreign:
        if item.kind != "orphan-revision":
            continue
        version = item.row.version
        places = ["the active chain", "the archived chains" if facts.chain.archived else "", "every other folder of the project"]
        places += ["git with all its branches" if searched else ""]
        looked = ", ".join(place for place in places if place) + ("" if searched else " (no git history was given)")
        yield Finding(
            cause="orphan-revision",
            scope="environment",
            severity="critical",
            migrations=(version,),
            summary=f"The tracker stands at {version!r}, which is unknown everywhere: the tool cannot run at all here.",
            evidence=(
                Proof(source="tracker", detail=f"recorded: {version}", ref=item.row.ref),
                Proof(source="chain", detail=f"not found in {looked}", ref=facts.chain.path),
            ),
            confidence=0.9 if searched else 0.75,
            would_overturn="A branch, an image or a backup that holds this revision.",
            remedy="Find the code that was deployed when it was recorded; until then change nothing in the tracker.",
            prevention="Keep every revision that was ever deployed in the repository.",
        )


RULE = Rule(cause="orphan-revision", severity="critical", question="Is the recorded revision unknown?", check=check)
