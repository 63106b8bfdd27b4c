"""A migration tried to reach another database, file or process during its replay."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, listing

_DOES = {"connect": "opens", "file": "writes to", "network": "connects to", "process": "starts"}
_RAN = {
    "yes": "it has run here", "partial": "it has run here in part", "no": "it has not run here",
    "unknown": "whether it ran here cannot be told",
}  # fmt: skip


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration whose attempts were refused: what it reaches for, where in its file, and whether it ran here."""
    for name, attempts in facts.attempts.items():
        label = facts.label(name)
        reached = list(dict.fromkeys(f"{_DOES.get(item.kind, 'reaches for')} `{item.target}`" for item in attempts))
        places = list(dict.fromkeys(item.place for item in attempts if item.place)) or [facts.file(name)]
        ran = facts.judged[name].executed if name in facts.judged else ""
        evidence = [
            Proof(source="replay", detail=f"{item.kind} {item.target}: {item.message}", ref=item.place or label)
            for item in attempts[:6]
        ]
        if ran:
            evidence.append(Proof(source="schema", detail=_RAN[ran], ref=f"migration {label}"))
        yield Finding(
            cause="replay-escape",
            scope="chain",
            severity="warning",
            migrations=(label,),
            summary=f"{label} {listing(reached, 3)} by itself ({listing(places, 3)}), beside the connection that it is given. Its replay "
            "refused that. Run for one environment, it may read or change another one.",
            evidence=tuple(evidence),
            confidence=0.99,
            would_overturn="Nothing: the attempt was seen.",
            remedy=f"Do not run {label} anywhere until {listing(places, 3)} uses the connection that it is given"
            + ("; it has run here, so look what it did beside this database." if ran in ("yes", "partial") else "."),
            prevention="Run migrations in tests with no other database within reach.",
        )


RULE = Rule(
    cause="replay-escape", severity="warning", question="Did a migration reach for another database?", check=check
)
