"""The file is not what was applied."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.history.assignment import RowMatch
from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, change_refs, in_words, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration whose applied text, or whose checksum, is not the file's."""
    chain = facts.chain
    if chain is None:
        return
    for match in facts.matches.values():
        item = chain.by_id.get(match.migration_id or "")
        if item is None:
            continue
        older = match.by == "checksum" and match.content is not None and match.content.sha256 != item.content.sha256
        if item.version == match.row.version and (older or match.mismatch):
            yield _finding(facts, match, item.id)


def _finding(facts: Facts, match: RowMatch, name: str) -> Finding:
    label = facts.label(name)
    pairs = facts.explanation.edited(name) if facts.explanation and match.content is not None else ()
    objects = change_refs(pairs)
    where = match.content.origin if match.content is not None else "no known text"
    evidence = [
        Proof(source="tracker", detail=f"checksum {match.row.checksum!r} is not the file's", ref=match.row.ref),
    ]
    if match.content is not None:
        evidence.append(Proof(source="git", detail=f"it is the checksum of the text in {where}", ref=where))
        by_commit = [
            item for item in facts.versions if item.content is not None and item.content.sha256 == match.content.sha256
        ]
        for item in by_commit[:1]:
            evidence.append(
                Proof(source="git", detail=f"{item.at:%Y-%m-%d %H:%M}Z {item.subject!r}", ref=f"git:{item.commit[:12]}")
            )
    if objects:
        evidence.append(
            Proof(
                source="replay",
                detail=f"the two texts build different schemas: {in_words(objects)}",
                ref="replay",
            )
        )
    elif match.content is not None:
        evidence.append(Proof(source="replay", detail="the two texts build the same schema", ref="replay"))
    return Finding(
        cause="modified-after-apply",
        scope="environment",
        severity="error" if objects else "warning",
        migrations=(label,),
        objects=objects,
        summary=f"Migration {label} was edited after it ran here: the text that was applied is the one in {where}"
        + (
            f", and the edit changes {plural(len(objects), 'object')} ({in_words(objects, 3)})."
            if objects
            else (
                "; what it builds is the same."
                if match.content is not None
                else "; no text with this checksum is known."
            )
        ),
        evidence=tuple(evidence),
        confidence=0.97 if match.content is not None else 0.7,
        would_overturn="The same checksum from another text, or a checksum typed by hand.",
        remedy="Restore the applied text and put the difference into a new migration."
        if objects
        else "Restore the applied text, or accept the new checksum after comparing both.",
        prevention="Never edit a file that has run anywhere: let a check compare files with the recorded checksums.",
    )


RULE = Rule(
    cause="modified-after-apply",
    severity="warning",
    question="Is a file not what was applied?",
    check=check,
)
