"""The stories that were tried, as documents have them: what speaks for each and against it, and why the winner won."""

from __future__ import annotations

from typing import Any

from forensics.explain.engine import Explanation
from forensics.explain.search import Tried
from forensics.explain.story import Outside, Run
from forensics.rules.facts import Facts, change_refs, in_words, listing, plural

LIMIT = 8


def hypotheses(facts: Facts, explanation: Explanation) -> list[dict[str, Any]]:
    """Return the cheapest stories that say different things of migrations, the winner first, then by what they cost."""
    chosen: dict[object, Tried] = {}
    for item in (explanation.best, *explanation.tried):
        if len(chosen) < LIMIT:
            chosen.setdefault(explanation.search.told(item), item)
    # What no migration mentions is left over by every story alike, and says nothing of any.
    common = min(item.cost.residual for item in chosen.values())
    winner, *others = (_hypothesis(facts, explanation, item, common) for item in chosen.values())
    return [winner, *sorted(others, key=lambda item: float(item["cost"]["total"]))]


def _hypothesis(facts: Facts, explanation: Explanation, item: Tried, common: float) -> dict[str, Any]:
    told = explanation.search.told(item)
    left = explanation.against(item)
    cost = item.cost
    return {
        "executed": [facts.label(name) for name, said in told if said == "full"],
        "partial": [facts.label(name) for name, said in told if said == "partial"],
        "outside": [line.step.group for line in item.played.told if isinstance(line.step, Outside)],
        "unexplained": len(left),
        "for": _speaks_for(facts, explanation, item),
        "against": _speaks_against(facts, explanation, item),
        "cost": {
            "total": round(cost.total - common, 2),
            "deviations_from_tracker": round(cost.deviations, 2),
            "outside_changes": round(cost.outside, 2),
            "unexplained": round(cost.residual - common, 2),
            "differing_traces": round(cost.soft, 2),
        },
    }


def _contradicted(facts: Facts, explanation: Explanation, item: Tried) -> tuple[list[str], list[str], list[str]]:
    """Return what the tracker claims and did not run in a story, what ran that it does not know, and what ran in part."""
    said = dict(explanation.search.told(item))
    names = [name for name in explanation.subject.order if name not in explanation.search.silent]
    absent = [name for name in names if name in facts.recorded and said.get(name, "nothing") == "nothing"]
    unknown = [name for name in names if name not in facts.recorded and said.get(name) == "full"]
    return absent, unknown, [name for name in names if said.get(name) == "partial"]


def _speaks_for(facts: Facts, explanation: Explanation, item: Tried) -> list[str]:
    found = []
    if not explanation.against(item):
        found.append("it rebuilds every object that a migration writes")
    if not any(_contradicted(facts, explanation, item)):
        found.append("it says of every migration what the tracker says")
    if not any(isinstance(line.step, Outside) for line in item.played.told):
        found.append("it needs no change from outside")
    if item is explanation.best and explanation.settled:
        found.append("physical evidence speaks for it")
    return found


def _speaks_against(facts: Facts, explanation: Explanation, item: Tried) -> list[str]:
    found = []
    absent, unknown, partial = _contradicted(facts, explanation, item)
    if absent:
        found.append(f"the tracker claims {facts.spans(absent)}, which did not run in it")
    if unknown:
        found.append(f"the tracker does not know {facts.spans(unknown)}, which ran in it")
    if partial:
        found.append(f"only a part of {facts.spans(partial)} ran in it")
    outside = [line.step.group for line in item.played.told if isinstance(line.step, Outside)]
    if outside:
        found.append(f"it needs {plural(len(outside), 'change')} from outside: {listing(list(dict.fromkeys(outside)), 4)}")
    left = change_refs(explanation.against(item))
    if left:
        found.append(f"it does not explain {in_words(list(left))}")
    failing = [line for line in item.played.told if isinstance(line.step, Run) and line.error and line.status == "nothing"]
    if failing:
        found.append(f"{facts.label(failing[0].migration)} fails in it: {failing[0].error}")
    if item.cost.soft:
        found.append("spelling or the order of columns is not what it would leave")
    return found
