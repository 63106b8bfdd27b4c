"""Say of every migration whether it ran here, from what evidence, and what became of its effects."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.compare import changed, value
from forensics.explain.reference import Trace, apply
from forensics.explain.search import Search, Tried
from forensics.explain.story import Played, Run, State, Story
from forensics.explain.votes import Effects, effects, objects
from forensics.model import Key


@dataclass(frozen=True, slots=True)
class Judged:
    """What is concluded of one migration; the contract's ``executed``, ``basis`` and ``effects``."""

    executed: str
    basis: str
    effects: Effects
    why: str = ""
    done: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """How far a played story is from the live schema, summed over the groups, at each level of evidence."""

    meaning: int
    trace: int
    layout: int
    text: int


def judge(search: Search, best: Tried) -> dict[str, Judged]:
    """Judge every migration of the chain by the best story with it and without it.

    ``yes`` or ``no`` only where the evidence decides: where the schema is the same with a migration as without it, and nothing
    proven needs it, the answer is ``unknown``.
    """
    fit = fitness(search, best.played)
    steps = {line.step.migration: line for line in best.played.told if isinstance(line.step, Run)}
    counted = _effects(search, best.played)
    answers: dict[str, Judged] = {}
    waiting: dict[str, frozenset[str]] = {}
    for migration in search.subject.migrations:
        name = migration.id
        line = steps.get(name)
        if line is not None and line.status == "partial":
            answers[name] = Judged("partial", "schema", counted[name], line.error, line.done)
        elif line is not None:
            answers[name], waiting[name] = _ran(search, best, fit, name, counted[name])
        elif search.player.runnable(name):
            answers[name] = _absent(search, best, fit, name, counted[name])
        else:
            answers[name] = Judged("unknown" if not counted[name].expected else "no", "none", counted[name])
    _imply(answers, waiting)
    return answers


def fitness(search: Search, played: Played) -> Fit:
    """Measure a played story against the live schema."""
    live = search.subject.live
    found = [search.ruler.measure(played.final.get(name), live.get(name)) for name in played.final.keys() | live.keys()]
    return Fit(
        sum(item.meaning for item in found),
        sum(item.trace for item in found),
        sum(item.layout for item in found),
        sum(item.text for item in found),
    )


def _ran(search: Search, best: Tried, fit: Fit, name: str, counted: Effects) -> tuple[Judged, frozenset[str]]:
    """Judge a migration of the story by the story without it; also return the steps that fail then."""
    story = best.played.story
    without = search.player.play(
        tuple(step for step in story if not (isinstance(step, Run) and step.migration == name))
    )
    other = fitness(search, without)
    before = {line.step: line.status for line in best.played.told}
    broken = frozenset(
        line.step.migration
        for line in without.told
        if isinstance(line.step, Run) and line.error and before.get(line.step) == "full"
    )
    visible = counted.present > 0
    if (other.meaning, other.trace) > (fit.meaning, fit.trace) and other.meaning >= fit.meaning:
        return Judged("yes", "schema" if visible else "implied", counted), broken
    if (other.meaning, other.trace) == (fit.meaning, fit.trace):
        if other.layout > fit.layout:
            return Judged("yes", "schema", counted), broken
        if other.text > fit.text:
            return Judged("yes", "physical", counted), broken
    return Judged("unknown", "none", counted), broken


def _absent(search: Search, best: Tried, fit: Fit, name: str, counted: Effects) -> Judged:
    """Judge a migration that the story leaves out by the story with it."""
    story: Story = best.played.story
    place = search.place(story, name)
    played = search.player.play((*story[:place], Run(name), *story[place:]))
    line = played.told[place]
    other = fitness(search, played)
    if line.error:
        return Judged("no", "schema", counted, line.error)
    if other == fit and all(not later.error for later in played.told[place + 1 :] if isinstance(later.step, Run)):
        return Judged("unknown", "none", counted)
    return Judged("no", "physical" if other.text > fit.text and other.meaning == fit.meaning else "schema", counted)


def _imply(answers: dict[str, Judged], waiting: dict[str, frozenset[str]]) -> None:
    """What a proven migration cannot have run without has run as well."""
    moved = True
    while moved:
        moved = False
        for name, broken in waiting.items():
            if answers[name].executed == "unknown" and any(answers[item].executed == "yes" for item in broken):
                answers[name] = Judged("yes", "implied", answers[name].effects)
                moved = True


def _effects(search: Search, played: Played) -> dict[str, Effects]:
    """Count what became of every migration's effects, given what ran after it."""
    live = objects(search.subject.live)
    order = search.order
    left: list[tuple[int, dict[Key, object]]] = []
    own: dict[str, tuple[int, tuple[Trace, ...]]] = {}
    state: State = {}
    for at, line in enumerate(played.told):
        traces = tuple(
            Trace(key, was, now) for group, after in line.changed for key, was, now in changed(state.get(group), after)
        )
        state = apply(state, line)
        left.append(
            (
                order[line.step.migration] if isinstance(line.step, Run) else -1,
                {trace.key: value(trace.after) for trace in traces},
            )
        )
        if isinstance(line.step, Run):
            own[line.step.migration] = (at, traces)
    counted = {}
    for migration in search.subject.migrations:
        name = migration.id
        traces = search.reference.signatures.get(name, ())
        at, told = own.get(name, (-1, ()))
        if not traces:
            traces = told
        later: dict[Key, list[object]] = {}
        for place, (chained, values) in enumerate(left):
            if place > at if at >= 0 else chained > order[name]:
                for key, item in values.items():
                    later.setdefault(key, []).append(item)
        counted[name] = effects(traces, live, later)
    return counted
