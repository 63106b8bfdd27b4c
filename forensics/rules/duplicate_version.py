"""Two files claim one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing
from forensics.rules.numbering import renamed, renumbering

RAN = {
    "yes": "has run here", "no": "has not run here", "partial": "has run here in part",
    "unknown": "may have run here: the schema cannot tell",
}  # fmt: skip


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each version that several files claim."""
    chain = facts.chain
    if chain is None:
        return
    for problem in (item for item in chain.problems if item.cause == "duplicate-version"):
        fresh = renumbering(facts)
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
                        detail=f"{item.file} {RAN[facts.judged[item.id].executed]}",
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
            would_overturn="A migration tool that tells the files apart by more than their number.",
            remedy=f"Delete {listing(files[1:])}: {'it is a copy' if len(files) == 2 else 'they are copies'}."
            if same
            else _remedy(facts, [item.id for item in items], fresh),
            prevention="Let a check on every pull request refuse a number that is taken.",
        )


def _remedy(facts: Facts, names: list[str], fresh: Mapping[str, str]) -> str:
    """Return which file keeps the number and what the others are to be called."""
    moved = [name for name in names if name in fresh]
    if not moved:
        return "Give one of the files a free number, then record each under its own."
    ran = [name for name in names if name in facts.judged and facts.judged[name].executed in ("yes", "partial")]
    kept = next(name for name in names if name not in fresh)
    files = [f"{facts.file(name)} to {renamed(facts, name, fresh[name])}" for name in moved]
    head = (
        f"{'Both files' if len(ran) == 2 else f'{len(ran)} files'} have run here"
        if len(ran) > 1
        else f"{facts.file(ran[0])} has run here"
        if ran
        else "None of them has run here"
    )
    number = facts.migrations[facts.explanation.subject.order[kept]].version if facts.explanation else ""
    rest = "record each under its own number where it has run" if ran else "run each under its own number"
    return (
        f"{head}: leave {number} to {facts.file(kept)}, rename {listing(files)} (a free number) unless another environment "
        f"records it, and {rest}."
    )


RULE = Rule(cause="duplicate-version", severity="error", question="Do two files claim one version?", check=check)
