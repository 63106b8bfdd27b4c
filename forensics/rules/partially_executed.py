"""Some statements of a migration took effect, some did not."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.explain.masks import statements
from forensics.explain.story import Run, Told
from forensics.model import Finding, Proof
from forensics.rules.advice import complete, wanting
from forensics.rules.base import Rule
from forensics.rules.facts import Facts, in_words, plural, trace_refs
from forensics.rules.logged import failure_proofs


def check(facts: Facts) -> Iterator[Finding]:
    """Yield one finding for each migration of which the story holds only a part."""
    live = facts.live()
    for name in facts.executed("partial"):
        line = facts.told(name)
        if line is None:
            continue
        label = facts.label(name)
        effects = facts.judged[name].effects
        ran, total = _numbers(line)
        evidence = [
            Proof(
                source="replay",
                detail=f"{label}: {_part(ran, total)} took effect; "
                f"{effects.present} of {plural(effects.expected, 'object')} present, {effects.absent} absent",
                ref=f"migration {label}",
            )
        ]
        pieces = statements(facts.explanation.search.player.contents[name]) if facts.explanation else ()
        stop = _failing(line, pieces, ran)
        if stop:
            why = f": {line.error}" if line.error else ""
            evidence.append(Proof(source="replay", detail=f"it stopped at `{stop}`{why}", ref=f"migration {label}"))
        evidence += facts.tracker_proofs(name)
        told = failure_proofs(facts, line.failed, line.error)
        evidence += told
        if not told and facts.chain:
            for event in facts.log_lines([facts.chain.by_id[name].name], limit=2):
                evidence.append(Proof(source="log", detail=event.message.splitlines()[0][:200], ref=event.ref))
        tied = facts.tie_differs(name)
        gone = wanting(facts, name, ran) or trace_refs(facts.signature(name), live)
        took = (
            f"is recorded as applied, but only {_part(ran, total)} took effect"
            if name in facts.recorded
            else f"is not recorded; {_part(ran, total)} took effect, the rest did not"
        )
        lost = in_words([item for item in gone if item.state == "missing"], 3)
        yield Finding(
            cause="partially-executed",
            scope="environment",
            severity="warning" if tied else "critical",
            migrations=(label,),
            objects=gone,
            summary=f"Migration {label} {took}" + (f"; missing: {lost}." if lost else "."),
            evidence=tuple(evidence),
            confidence=0.6 if tied else 0.95 if line.error else 0.88,
            would_overturn="A log that shows the migration running to its end, and its objects being removed later.",
            alternatives=tuple(
                "it ran whole, and something outside the migrations removed its last objects"
                if said == "full"
                else f"an equally good story says of it: {said}"
                for said in tied
            ),
            remedy=complete(facts, name, ran),
            prevention="Run each migration in one transaction together with its tracker row, so that a failure leaves nothing.",
        )


def numbers_of(facts: Facts, name: str) -> tuple[int, ...]:
    """Return which statements of a migration took effect, where it ran in part."""
    line = facts.told(name)
    return _numbers(line)[0] if line is not None and line.status == "partial" else ()


def _numbers(line: Told) -> tuple[tuple[int, ...], int | None]:
    chosen = line.step.statements if isinstance(line.step, Run) else None
    return chosen or tuple(range(1, line.done + 1)), line.total


def _part(ran: tuple[int, ...], total: int | None) -> str:
    whole = f" of {total}" if total else ""
    if len(ran) == 1:
        return f"statement {ran[0]}{whole}"
    if ran == tuple(range(ran[0], ran[-1] + 1)) and ran:
        return f"statements {ran[0]} to {ran[-1]}{whole}"
    return f"{len(ran)} statements{whole}"


def _failing(line: Told, pieces: tuple[str, ...], ran: tuple[int, ...]) -> str:
    text = line.failed
    if not text and ran and ran[-1] < len(pieces):
        text = pieces[ran[-1]]
    return " ".join(text.split())[:160]


RULE = Rule(
    cause="partially-executed",
    severity="critical",
    question="Did a migration stop half-way?",
    check=check,
)
