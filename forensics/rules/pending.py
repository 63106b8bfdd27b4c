"""Not applied yet, nothing wrong."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.model import Finding, Proof
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, plural


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for all pending migrations that did not run."""
    names = [
        name for name in facts.pending if name in facts.judged and facts.judged[name].executed in ("no", "unknown")
    ]
    if not names or facts.history.state in ("absent", "unreadable"):
        return
    labels = facts.labels(names)
    sure = [name for name in names if facts.judged[name].executed == "no"]
    silent = [name for name in names if name not in sure]
    said = [f"{plural(len(sure), 'migration')} not applied yet: {facts.spans(sure)}"] if sure else []
    said += [f"of {facts.spans(silent)}, not recorded, the schema cannot tell"] if silent else []
    summary = "; ".join(said)
    yield Finding(
        cause="pending",
        scope="environment",
        severity="info",
        migrations=labels,
        summary=f"{summary[:1].upper()}{summary[1:]}.",
        evidence=(Proof(source="tracker", detail="no row for them", ref=facts.history.table or ""),),
        confidence=0.99,
        would_overturn="A row for them in the tracker.",
        remedy="Do not run them to get out of this: a stamp takes their place."
        if any(item.kind == "foreign-chain" for item in facts.foreign)
        else "Run them with the migration tool once the findings at error or above are dealt with.",
        prevention="None needed.",
    )


RULE = Rule(cause="pending", severity="info", question="What has not been applied yet?", check=check)
