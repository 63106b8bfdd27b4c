"""Remains of an interrupted migration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.model import Finding, ObjectRef, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing

SPARE = re.compile(
    r"^(_alembic_tmp_(?P<a>.+)|new__(?P<b>.+)|(?P<c>.+)_(old|tmp|temp|backup|bak)|(tmp|temp|old)_(?P<d>.+))$",
    re.IGNORECASE,
)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each table that a rebuild left behind and that neither a whole run of the chain nor the application leaves."""
    if facts.explanation is None:
        return
    live, final = facts.explanation.subject.live, facts.explanation.reference.final
    known = facts.explanation.subject.sources.keys() | (facts.explanation.subject.models or {}).keys()
    for name, group in live.items():
        found = SPARE.match(group.name)
        if found is None or name in final or name in known:
            continue
        original = next(part for part in found.group("a", "b", "c", "d") if part)
        related = original.casefold() in live or original.casefold() in final
        if not related:
            continue
        lost = original.casefold() not in live
        yield Finding(
            cause="leftover-object",
            scope="environment",
            severity="warning",
            migrations=facts.labels(
                [item.id for item in facts.migrations if name in (facts.explanation.search.player.words_of(item.id))]
            ),
            objects=(ObjectRef(kind="table", table=None, name=group.name, state="extra"),),
            summary=f"{group.name} looks like what an interrupted rebuild of {original} left behind"
            + (f"; {original} itself is missing." if lost else f"; {original} is there."),
            evidence=(
                Proof(
                    source="schema",
                    detail=f"table {group.name}; a whole run of the chain leaves none of this name",
                    ref=f"table {group.name}",
                ),
                Proof(
                    source="schema",
                    detail=f"columns: {listing([i.name for i in group.objects if i.kind == 'column'], 8)}",
                    ref=f"table {group.name}",
                ),
            ),
            confidence=0.8,
            would_overturn="An owner who uses this table.",
            remedy=f"Compare the rows of {group.name} with {original}, on a copy, before dropping or renaming either.",
            prevention="Run rebuilds in one transaction.",
        )


RULE = Rule(
    cause="leftover-object",
    severity="warning",
    question="Did an interrupted migration leave something behind?",
    check=check,
)
