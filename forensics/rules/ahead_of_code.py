"""The recorded revision exists on another branch or in a newer commit: the checkout is older than the database."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.conclusions.foreign import Foreign
from forensics.model import FileVersion, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.foreign_chain import verdict_in_words
from forensics.rules.missing_file import unmerged


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded version whose file git holds outside of what is checked out."""
    for item in facts.foreign:
        if item.kind == "ahead-of-code":
            yield _head(facts, item)
    for match, known in unmerged(facts):
        last = known[-1]
        yield _finding(
            facts,
            match.row.version,
            last,
            (Proof(source="tracker", detail=match.row.description or "recorded", ref=match.row.ref), _proof(last, last.path)),
            where=_words(last),
        )


def _head(facts: Facts, item: Foreign) -> Finding:
    place = item.of("newer", "branch", "lost")[0]
    assert place.version is not None
    evidence = [
        Proof(source="tracker", detail=f"recorded: {item.row.version}", ref=item.row.ref),
        Proof(source="git", detail=f"{item.row.version} stands {place.said}", ref=place.where),
    ]
    known = set(facts.chain.by_id) if facts.chain else set()
    between = [each.version for each in place.chain.migrations if each.id not in known]
    if len(between) > 1:
        evidence.append(Proof(source="git", detail=f"the checkout lacks {listing(between, 8)}", ref=place.where))
    evidence += [
        Proof(source="replay", detail=verdict_in_words(facts, verdict), ref=verdict.place.where)
        for verdict in item.verdicts[:1]
    ]
    return _finding(facts, item.row.version, place.version, tuple(evidence), where=_words(place.version))


def _finding(
    facts: Facts, version: str, item: FileVersion, evidence: tuple[Proof, ...], *, where: str
) -> Finding:
    return Finding(
        cause="ahead-of-code",
        scope="environment",
        severity="error",
        migrations=(version,),
        summary=f"The database is ahead of this checkout: {version!r} is recorded, and its file exists {where}.",
        evidence=evidence,
        confidence=0.95 if item.branches else 0.8,
        would_overturn="A commit in the history of what is checked out that holds the file.",
        remedy=f"Deploy code that holds {version} ({where}), or downgrade with that code; never stamp back to the older head.",
        prevention="Migrate only from what is merged, and roll code back only after the database.",
    )


def _words(item: FileVersion) -> str:
    if not item.branches:
        return f"only in the commit {item.commit[:12]}, which no branch holds any more"
    on = listing(item.branches, 3)
    return f"in a newer commit ({item.commit[:12]} on {on})" if item.newer else f"on another branch ({on}, {item.commit[:12]})"


def _proof(item: FileVersion, path: str) -> Proof:
    detail = f"{path} added {item.at:%Y-%m-%d}: {item.subject!r}, not part of what is checked out"
    return Proof(source="git", detail=detail, ref=f"git:{item.commit[:12]}")


RULE = Rule(
    cause="ahead-of-code",
    severity="error",
    question="Is the checkout older than the database?",
    check=check,
)
