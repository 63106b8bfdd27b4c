"""What to do, in order: the steps of all findings of one environment, each once, rehearsed on a private copy.

A plan is whole or there is none: where a finding that hurts has no steps yet, half of a plan would mislead whoever
follows it, and the remedies of the findings stand alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from forensics.conclusions.settling import MAKERS, first_run
from forensics.conclusions.steps import NONE, Phase, Step, keep, stop
from forensics.model import Finding
from forensics.rules.facts import Facts

Document = dict[str, Any]

GRAVE = ("critical", "error")
_CHANGING = (Phase.CHANGE, Phase.RECORD, Phase.DECIDE, Phase.LAST)
# What other steps settle as well: a stamp makes true that what ran is recorded, and that a tracker is there.
_ALONG = {
    "executed-not-recorded": ("foreign-chain",),
    "equivalent-chain": ("foreign-chain",),
    "pending": ("foreign-chain",),
    "pending-will-fail": ("foreign-chain", "executed-not-recorded"),
    "untracked": ("built-from-models",),
}


def plan(facts: Facts, findings: Sequence[Finding]) -> list[Document]:
    """Return the steps in their order, as documents have them; none where nothing is to be done or not all of it is known."""
    own = [item for item in findings if item.scope == "environment"]
    steps, known = _steps(facts, own)
    if not all(item.id in known for item in own if item.severity in GRAVE):
        return []
    stale = any(item.cause == "stale-runner" for item in own)
    changes = any(item.phase in _CHANGING and item.measure.backup != NONE for item in steps)
    if stale or changes:
        steps.append(stop(facts, own))
    if changes:
        steps.append(keep(facts))
    ranked = sorted(_merged(steps), key=lambda step: step.phase)
    return [_document(number, _along(item, own)) for number, item in enumerate(ranked, 1)]


def _steps(facts: Facts, own: Sequence[Finding]) -> tuple[list[Step], set[str]]:
    """Return the steps of every finding that has some, and the findings that are settled by them."""
    found: list[Step] = []
    known: set[str] = set()
    for item in own:
        maker = MAKERS.get(item.cause)
        if maker is None or (item.severity == "info" and item.cause != "built-from-models"):
            continue
        made = maker(facts, item)
        if made is not None:
            found += made
            known.add(item.id)
    settled = [item for item in own if item.id in known]
    known |= {item.id for item in own if any(_settles(each, item) for each in settled)}
    stale = {item.id for item in own if item.cause == "stale-runner"}
    if stale:
        found += [step for item in own if item.cause == "uninitialised" for step in first_run(facts, item)]
    return found, known | stale


def _merged(steps: Sequence[Step]) -> list[Step]:
    """Return the steps without those that say the same, and with one look for all."""
    found: list[Step] = []
    for item in steps:
        same = next((at for at, each in enumerate(found) if each.measure == item.measure), None)
        looks = next((at for at, each in enumerate(found) if item.phase is Phase.LOOK is each.phase), None)
        if same is not None:
            found[same] = replace(found[same], findings=tuple(dict.fromkeys((*found[same].findings, *item.findings))))
        elif looks is not None:
            before = found[looks]
            measure = replace(
                before.measure,
                do=before.measure.do if before.measure.do == item.measure.do else f"{before.measure.do} {item.measure.do}",
                sql=tuple(dict.fromkeys((*before.measure.sql, *item.measure.sql))),
            )
            found[looks] = replace(before, measure=measure, findings=tuple(dict.fromkeys((*before.findings, *item.findings))))
        else:
            found.append(item)
    return found


def _settles(one: Finding, other: Finding) -> bool:
    """Whether the steps of one finding settle another: a failure to come only where it is of the migrations that are recorded."""
    if one.cause not in _ALONG.get(other.cause, ()):
        return False
    return one.cause != "executed-not-recorded" or set(other.migrations) <= set(one.migrations)


def _along(step: Step, findings: Sequence[Finding]) -> Step:
    """Return a step with the findings that it settles beside its own."""
    if step.phase is not Phase.RECORD:
        return step
    own = [item for item in findings if item.id in step.findings]
    more = [item.id for item in findings if any(_settles(each, item) for each in own)]
    return replace(step, findings=tuple(dict.fromkeys((*step.findings, *more))))


def _document(number: int, step: Step) -> Document:
    item = step.measure
    return {
        "number": number,
        "phase": step.phase.name.lower(),
        "for": list(step.findings),
        "do": item.do,
        "command": item.command or None,
        "sql": list(item.sql),
        "risk": item.risk,
        "backup": item.backup,
        "verify": item.verify,
        "back": item.back,
        "undo": list(item.undo),
        "point_of_no_return": item.final,
        "optional": step.optional,
        "tried": step.tried or None,
    }
