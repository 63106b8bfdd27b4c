"""Put changes from outside where the order of the database's own rows says that they were made."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.explain.closing import closing
from forensics.explain.cost import remainder
from forensics.explain.search import Search, Tried
from forensics.explain.story import Outside, Played, Run, Step, Story, apply


def complete(search: Search, best: Tried, *, proven: bool = True) -> Played:
    """Put every outside change that the story still lacks in its place, and replay all of it, from empty where it is to be proven.

    A group that something outside created goes before the first migration whose groups stand behind it in the database; what
    alters a group goes to the end. Where that does not rebuild the schema as well, the story's own order stays.
    """
    subject, story = search.subject, best.played.story
    final = best.played.final
    names = [
        name
        for name in final.keys() | subject.live.keys()
        if search.ruler.measure(final.get(name), subject.live.get(name)).meaning
    ]
    missing = closing(final, subject, names)
    replay = search.player.prove if proven else search.player.play
    plain = replay((*story, *missing))
    creations = _creations(best.played)
    positions = _positions(search, best.played)
    for moving in dict.fromkeys((creations, ())):
        kept = tuple(step for step in story if step not in moving)
        placed = _placed(search, best.played, kept, (*moving, *missing), positions)
        if placed == plain.story:
            return plain
        played = replay(placed)
        if _left(search, played) <= _left(search, plain):
            return played
    return plain


def _left(search: Search, played: Played) -> tuple[int, float]:
    residual, soft, meaning = remainder(played.final, search.subject.live, search.ruler)
    failed = sum(bool(line.error) for line in played.told if isinstance(line.step, Outside))
    return meaning + failed, round(residual + soft, 4)


def _creations(played: Played) -> tuple[Step, ...]:
    """Return the outside steps of a story that create a group which was not there."""
    found: list[Step] = []
    state = played.begin
    for line in played.told:
        if isinstance(line.step, Outside) and any(group and name not in state for name, group in line.changed):
            found.append(line.step)
        state = apply(state, line)
    return tuple(found)


def _placed(search: Search, played: Played, kept: Story, loose: Sequence[Step], positions: dict[str, Step]) -> Story:
    """Return the kept steps with each loose one before the step that its group's place in the database points to."""
    early: dict[Step, list[Outside]] = {}
    late: list[Step] = []
    for step in loose:
        assert isinstance(step, Outside)
        at = positions.get(step.group.casefold())
        if at is None or at not in kept:
            late.append(step)
        else:
            early.setdefault(at, []).append(step)
    ranks = {name: at for at, name in enumerate(search.subject.live)}
    story: list[Step] = []
    for own in kept:
        story += sorted(early.pop(own, ()), key=lambda item: ranks.get(item.group.casefold(), 0))
        story.append(own)
    return (*story, *late)


def _positions(search: Search, played: Played) -> dict[str, Step]:
    """Return, for each live group that no migration created, the migration before which the order of rows puts it."""
    made: dict[str, int] = {}
    state = played.begin
    for at, line in enumerate(played.told):
        for name, group in line.changed:
            if group is None:
                made.pop(name, None)
            elif name not in state and isinstance(line.step, Run):
                made[name] = at
        state = apply(state, line)
    positions: dict[str, Step] = {}
    upcoming: int | None = None
    for name in reversed(list(search.subject.live)):
        if name in made:
            upcoming = made[name] if upcoming is None else min(upcoming, made[name])
        elif upcoming is not None:
            positions[name] = played.story[upcoming]
    return positions
