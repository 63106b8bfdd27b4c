"""Recorded, and once a file of this chain; the file is gone."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.chain.gitbranches import REVISION
from forensics.history.assignment import RowMatch
from forensics.model import FileVersion, Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts


def orphans(facts: Facts) -> list[RowMatch]:
    """Return the rows of which no file of the chain has the version."""
    chain = facts.chain
    if chain is None:
        return []
    return [
        match for match in facts.matches.values() if match.row.version not in chain.by_version and match.row.success
    ]


def gone(facts: Facts) -> Iterator[tuple[RowMatch, list[FileVersion]]]:
    """Yield each recorded version whose file is gone, with what git knows of that file.

    A tracker that keeps a row a migration says so by itself; one that keeps only the head is believed where the file was part of what is
    checked out, and no other chain knows it: then the whole chain was put aside.
    """
    kinds = {item.row.version: item.kind for item in facts.foreign}
    for match, known in _orphans_in_git(facts):
        if facts.history.keeps == "head":
            if kinds.get(match.row.version) == "missing-file":
                yield match, known
        elif not _ahead(known):
            yield match, known


def unmerged(facts: Facts) -> Iterator[tuple[RowMatch, list[FileVersion]]]:
    """Yield each version in a tracker of rows whose file stands only on a branch that is not checked out."""
    for match, known in _orphans_in_git(facts):
        if facts.history.keeps != "head" and _ahead(known):
            yield match, known


def _orphans_in_git(facts: Facts) -> Iterator[tuple[RowMatch, list[FileVersion]]]:
    for match in orphans(facts):
        paths = {item.path for item in facts.versions if _speaks(item, match)}
        yield match, [item for item in facts.versions if item.path in paths]


def _ahead(known: list[FileVersion]) -> bool:
    return bool(known) and all(not item.in_head for item in known) and any(item.branches for item in known)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each recorded version whose file is gone."""
    for match, known in gone(facts):
        name = known[-1].path.rsplit("/", 1)[-1].rsplit(".", 1)[0] if known else match.row.version
        evidence = [Proof(source="tracker", detail=match.row.description or "recorded", ref=match.row.ref)]
        if match.note:
            evidence.append(Proof(source="git" if known else "tracker", detail=match.note, ref=match.row.ref))
        for item in known:
            if item.action in ("D", "A"):
                verb = "deleted" if item.action == "D" else "added"
                evidence.append(
                    Proof(
                        source="git",
                        detail=f"{item.path} {verb} {item.at:%Y-%m-%d}: {item.subject!r}",
                        ref=f"git:{item.commit[:12]}",
                    )
                )
        yield Finding(
            cause="missing-file",
            scope="environment",
            severity="error",
            migrations=(name,),
            summary=f"Version {match.row.version} is recorded, but its file is gone from the chain"
            + (f"; git knows it as {known[-1].path}." if known else ", and git does not know it."),
            evidence=tuple(evidence),
            confidence=0.95 if known else 0.8,
            would_overturn="The file, on another branch or in the deployed package.",
            remedy=_restore(known) + " Then the folder can build what is live.",
            prevention="Never delete a migration that has run anywhere; squash only with a proof that both build the same.",
        )


def _restore(known: list[FileVersion]) -> str:
    last = next((item for item in reversed(known) if item.content is not None), None)
    if last is None:
        return "Restore the file from a backup or from a deployed package."
    return f"Restore {last.path} from git ({last.commit[:12]}), under its own number."


def _speaks(item: FileVersion, match: RowMatch) -> bool:
    """Whether a file is the one that a row means: by its text, or by its name."""
    if item.content is not None and match.content is not None and item.content.sha256 == match.content.sha256:
        return True
    if item.content is not None and (declared := REVISION.search(item.content.text)):
        return declared[1] == match.row.version
    stem, version = item.path.rsplit("/", 1)[-1], match.row.version
    return stem.startswith((f"{version}_", f"{version}.", f"{version}-")) or stem.rsplit(".", 1)[0] == version


RULE = Rule(cause="missing-file", severity="error", question="Is the file of a recorded migration gone?", check=check)
