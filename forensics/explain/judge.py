"""Say of every migration whether it ran here, from what evidence, and what became of its effects."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.compare import changed, value
from forensics.explain.evident import Evident
from forensics.explain.lettering import nearer
from forensics.explain.reference import Trace
from forensics.explain.search import Search, Tried
from forensics.explain.silent import Fit, Silent, broken, curtailed, dispensable, fitness, possible, without
from forensics.explain.story import Played, Run, Story, apply
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


def judge(search: Search, best: Tried, *, settled: bool = False) -> tuple[dict[str, Judged], tuple[Silent, ...]]:
    """Judge every migration of the chain by the best story with it and without it.

    ``settled``: physical evidence chose the story, so that it counts also where the schema alone is nearer without a migration.

    ``yes`` or ``no`` only where the evidence decides: where the schema is the same with a migration as without it, and nothing
    proven needs it, the answer is ``unknown``. The silent sets behind those answers are returned too.
    """
    fit = fitness(search, best.played)
    evident = Evident(search, best.played) if not fit.meaning and not fit.trace else None
    steps = {line.step.migration: line for line in best.played.told if isinstance(line.step, Run)}
    counted = _effects(search, best.played)
    answers: dict[str, Judged] = {}
    waiting: dict[str, frozenset[str]] = {}
    silent: list[Silent] = []
    for migration in search.subject.migrations:
        name = migration.id
        line = steps.get(name)
        found: Silent | None = None
        if line is not None and line.status == "partial":
            answers[name] = Judged("partial", "schema", counted[name], line.error, line.done)
        elif line is not None and evident and evident.keys(name) and counted[name].present:
            answers[name] = Judged("yes", "schema", counted[name])
        elif line is not None:
            found = dispensable(search, best.played, name)
            answers[name], waiting[name] = _ran(search, best, fit, counted[name], name, found, settled)
        elif search.player.runnable(name):
            found = possible(search, best.played, name)
            answers[name] = _absent(search, best, fit, counted[name], name, found)
        else:
            answers[name] = Judged("unknown" if not counted[name].expected else "no", "none", counted[name])
        if found is not None and all(found.migrations != other.migrations for other in silent):
            silent.append(found)
        elif (
            line is not None and line.status == "full" and search.subject.cookie is not None
            and not (evident and evident.needed_whole(name))
        ):  # fmt: skip
            silent += curtailed(search, best.played, name)
    for name in {name for found in silent if not found.partly for name in found.migrations}:
        if answers[name].executed != "unknown":  # it is silent together with another one
            answers[name] = Judged("unknown", "none", counted[name])
            waiting.pop(name, None)
    _imply(answers, waiting)
    return answers, tuple(silent)


def _ran(
    search: Search, best: Tried, fit: Fit, counted: Effects, name: str, silent: Silent | None, settled: bool
) -> tuple[Judged, frozenset[str]]:
    """Judge a migration of the story by the story without it; also return the steps that fail then."""
    other_story = search.player.play(without(best.played.story, frozenset([name])))
    needing = broken(best.played, other_story)
    if silent is not None:
        return Judged("unknown", "none", counted), frozenset()
    other = fitness(search, other_story)
    visible = counted.present > 0
    if (other.meaning, other.trace) > (fit.meaning, fit.trace) and other.meaning >= fit.meaning:
        return Judged("yes", "schema" if visible else "implied", counted), needing
    if (other.meaning, other.trace) == (fit.meaning, fit.trace):
        if other.layout > fit.layout:
            return Judged("yes", "schema", counted), needing
        if other.text > fit.text:
            return Judged("yes", "physical", counted), needing
        if not settled and nearer(search.subject.live, best.played.final, other_story.final):
            return Judged("unknown", "none", counted), frozenset()
    if settled:
        return Judged("yes", "physical", counted), needing
    if search.attempt(other_story.story).cost.total > best.cost.total:
        # As far from the live schema without it, or nearer, but in a way that takes more to explain.
        return Judged("yes", "schema" if visible else "implied", counted), needing
    return Judged("unknown", "none", counted), needing


def _absent(search: Search, best: Tried, fit: Fit, counted: Effects, name: str, silent: Silent | None) -> Judged:
    """Judge a migration that the story leaves out by the story with it."""
    story: Story = best.played.story
    if silent is not None:
        return Judged("unknown", "none", counted)
    place = search.place(story, name)
    played = search.player.play((*story[:place], Run(name), *story[place:]))
    line = next(item for item in played.told if item.step == Run(name))
    if line.error:
        return Judged("no", "schema", counted, line.error)
    other = fitness(search, played)
    return Judged("no", "physical" if other.text > fit.text and other.meaning == fit.meaning else "schema", counted)


def _imply(answers: dict[str, Judged], waiting: dict[str, frozenset[str]]) -> None:
    """What a proven migration cannot have run without has run as well."""
    moved = True
    while moved:
        moved = False
        for name, needing in waiting.items():
            if answers[name].executed == "unknown" and any(answers[item].executed == "yes" for item in needing):
                answers[name] = Judged("yes", "implied", answers[name].effects)
                moved = True


def _effects(search: Search, played: Played) -> dict[str, Effects]:
    """Count what became of every migration's effects, given what ran after it."""
    live = objects(search.subject.live)
    order = search.order
    left: list[tuple[int, dict[Key, object]]] = []
    own: dict[str, tuple[int, tuple[Trace, ...]]] = {}
    state = played.begin
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
