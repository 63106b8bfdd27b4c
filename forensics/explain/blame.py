"""Which earlier migration is why a statement fails: it took away, or made already, what the statement is about."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.reference import Reference
from forensics.explain.sight import words
from forensics.explain.story import Told
from forensics.sqltext import mentions, statement_target

_KINDS = ("table", "view", "index", "column", "trigger", "sequence", "enum", "foreign_key", "unique", "check")


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a statement fails in a chain's own order. ``migration`` is empty where nothing in the chain makes ``name``.

    ``how`` is ``dropped`` (an earlier migration took it away), ``made`` (one made it already) or ``never`` (none makes it).
    """

    how: str
    kind: str
    name: str
    migration: str = ""


def blame(reference: Reference, line: Told) -> Blame | None:
    """Return what is behind a failure, or None where the statement does not tell."""
    target = statement_target(line.failed)
    said = words(line.error)
    named = {item.casefold() for item in mentions(line.failed)} | {target.name.casefold()}
    there = "already exists" in line.error.casefold() or "duplicate column" in line.error.casefold()
    place = reference.order.index(line.migration) if line.migration in reference.order else len(reference.order)
    best: tuple[tuple[bool, bool, int], Blame] | None = None
    for key, writings in reference.provenance.items():
        if key[0] not in _KINDS or key[2].casefold() not in named:
            continue
        before = [item for item in writings if item.place < place and item.migration != line.migration]
        if not before or (before[-1].left is None) == there:
            continue
        own = key[2].casefold() == target.name.casefold()
        rank = (own, key[2].casefold() in said, -_KINDS.index(key[0]))
        if best is None or rank > best[0]:
            how = "made" if there else "dropped"
            best = (rank, Blame(how, key[0], key[2], before[-1].migration))
    if best is not None:
        return best[1]
    name = target.name
    made = any(
        item.left is not None
        for key, writings in reference.provenance.items()
        if key[2] == name.casefold()
        for item in writings
    )
    if there or not name or made:
        return None
    return Blame("never", target.kind or "table", name) if target.verb in ("drop", "alter") else None
