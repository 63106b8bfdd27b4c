"""Explain one environment: the story, its proof, what it says of every migration, and what would fail next."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.compare import changed
from forensics.explain.cost import remainder
from forensics.explain.foresee import Failure, foresee
from forensics.explain.judge import Judged, judge
from forensics.explain.masks import Mask, masks
from forensics.explain.outside import closing
from forensics.explain.player import Player
from forensics.explain.reference import Reference, apply
from forensics.explain.search import Search, Tried
from forensics.explain.story import Outside, Played, Run, State, Step, Story
from forensics.explain.subject import Subject
from forensics.explain.votes import ballot
from forensics.model import SchemaObject


@dataclass(frozen=True)
class Explanation:
    """What the evidence of one environment comes to.

    ``best`` is the cheapest story; ``played`` is that story with every outside change in its place, replayed in full from
    empty. ``residual`` are objects that it does not account for. ``baseline`` counts the elementary differences that
    the tracker's own story leaves.
    """

    subject: Subject
    reference: Reference
    best: Tried
    played: Played
    residual: tuple[tuple[SchemaObject | None, SchemaObject | None], ...]
    reconstructed: bool
    baseline: int
    judged: dict[str, Judged]
    failures: tuple[Failure, ...]
    masks: tuple[Mask, ...]
    ties: tuple[Tried, ...]
    tried: tuple[Tried, ...]
    search: Search


def explain(subject: Subject, player: Player, reference: Reference, pending: tuple[str, ...]) -> Explanation:
    """Find and prove the story of one environment, and judge every migration by it."""
    search = Search(subject, reference, player, ballot(reference, subject.live))
    best = search.best()
    judged = judge(search, best)
    played = complete(search, best)
    residual = tuple(
        (was, now)
        for name in sorted(played.final.keys() | subject.live.keys())
        for _key, was, now in changed(played.final.get(name), subject.live.get(name))
        if was is None or now is None or was.meaning != now.meaning
    )
    ran = any(isinstance(line.step, Run) and line.status != "nothing" for line in played.told)
    tracker = next(search.starts(), ())
    return Explanation(
        subject=subject,
        reference=reference,
        best=best,
        played=played,
        residual=residual,
        reconstructed=not residual and (ran or not subject.live) and bool(subject.live),
        baseline=remainder(search.attempt(tracker).played.final, subject.live, search.ruler)[2],
        judged=judged,
        failures=foresee(subject, player, reference, judged, pending),
        masks=masks(played, player),
        ties=tuple(search.ties(best)),
        tried=tuple(sorted(dict.fromkeys(search.tried.values()), key=lambda item: item.cost.total)),
        search=search,
    )


def complete(search: Search, best: Tried) -> Played:
    """Put every outside change that the story still lacks in its place, and replay all of it from empty."""
    subject, story = search.subject, best.played.story
    final = best.played.final
    names = [
        name
        for name in final.keys() | subject.live.keys()
        if search.ruler.measure(final.get(name), subject.live.get(name)).meaning
    ]
    missing = closing(final, subject, names)
    if not missing:
        return search.player.prove(story)
    placed = _placed(search, best.played, missing)
    played = search.player.prove(placed)
    if _differs(search, played):
        played = search.player.prove((*story, *missing))
    return played


def _differs(search: Search, played: Played) -> bool:
    return remainder(played.final, search.subject.live, search.ruler)[2] > 0


def _placed(search: Search, played: Played, missing: tuple[Outside, ...]) -> Story:
    """Insert whole groups where the order of the database's own rows says that they were created, the rest at the end."""
    before = _positions(search, played)
    early: dict[int, list[Outside]] = {}
    late: list[Outside] = []
    for step in missing:
        name = step.group.casefold()
        at = before.get(name)
        if at is None or name in played.final:
            late.append(step)
        else:
            early.setdefault(at, []).append(step)
    ranks = {name: at for at, name in enumerate(search.subject.live)}
    story: list[Step] = []
    for at, own in enumerate(played.story):
        story += sorted(early.get(at, ()), key=lambda item: ranks.get(item.group.casefold(), 0))
        story.append(own)
    return (*story, *late)


def _positions(search: Search, played: Played) -> dict[str, int]:
    """Return, for each group that no step made, the step before which the order of rows puts it."""
    made: dict[str, int] = {}
    state: State = {}
    for at, line in enumerate(played.told):
        for name, group in line.changed:
            if group is None:
                made.pop(name, None)
            elif name not in state:
                made[name] = at
        state = apply(state, line)
    positions: dict[str, int] = {}
    upcoming: int | None = None
    for name in reversed(list(search.subject.live)):
        if name in made:
            upcoming = made[name] if upcoming is None else min(upcoming, made[name])
        elif upcoming is not None:
            positions[name] = upcoming
    return positions
