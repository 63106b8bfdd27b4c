"""Let the writers of the catalogue decide between stories that the schema alone cannot tell apart (PostgreSQL).

Three things are asked of them: whether the tables are older than the tracker, so that the models and not the chain made them; whether
a migration of which a part is missing ended all the same, as its transaction wrote the tracker; and whether a table has the
slot of a column that one migration adds and another drops.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forensics.explain.compare import changed
from forensics.explain.cost import KNOWN, Cost
from forensics.explain.judge import Judged
from forensics.explain.search import Search, Tried
from forensics.explain.silent import Silent
from forensics.explain.story import Outside, Played, Run, State, Story, apply
from forensics.model import Group, Key, SchemaObject


def chosen(search: Search, best: Tried) -> tuple[Tried, bool]:
    """Return the story that the writers speak for in place of the best one, where the schema is as good with it.

    Also return whether they chose it.
    """
    physical = search.subject.physical
    if physical is None or not physical.speaks:
        return best, False
    other = _stamped(search, best)
    if other is not None:
        return search.proven(other), True
    if contradicted(search, best):
        for tied in search.ties(best):
            if not contradicted(search, tied):
                return search.proven(tied), True
    return best, False


def contradicted(search: Search, tried: Tried) -> bool:
    """Whether a story leaves a migration half done that wrote the tracker in the same transaction, at its end."""
    physical = search.subject.physical
    if physical is None or not physical.speaks:
        return False
    state: State = dict(tried.played.begin)
    for line in tried.played.told:
        if line.migration and line.status == "partial" and physical.finished(_left(search, state, line.changed)):
            return True
        state = apply(state, line)
    return False


def _left(search: Search, before: State, changes: Iterable[tuple[str, Group | None]]) -> list[SchemaObject]:
    """Return the objects of the live schema that a step made as they are."""
    found = []
    for name, after in changes:
        live = search.subject.live.get(name)
        for key, _was, now in changed(before.get(name), after):
            item = live.by_key.get(key) if live is not None else None
            if item is not None and now is not None and item.meaning == now.meaning:
                found.append(item)
    return found


def _stamped(search: Search, best: Tried) -> Tried | None:
    """Return the story that the models' `create_all` begins, where what the first migrations would have made was made by it.

    That is: all of it at once, in a transaction that made nothing before, and in none that wrote the tracker. A tracker's table that
    somebody dropped and made again is younger than the tables too; then the transaction had made it before them, unless it
    also made tables that only the models have.
    """
    subject, physical = search.subject, search.subject.physical
    assert physical is not None
    head, rest = _parted(search, best)
    if not subject.models_ddl or not head:
        return None
    begun = search.player.play(head)
    by = authors(begun)
    made = [subject.live[name] for name in sorted(_made(begun) & subject.live.keys())]
    transaction = physical.together([group.name for group in made])
    beside = (subject.live[name].name for name in search.spare & subject.live.keys())
    shared = any(moment is not None and moment[0] == transaction for moment in map(physical.born, beside))
    if not transaction or not (shared or physical.opening(transaction)):
        return None
    for group in made:
        columns = [item.name for key, item in group.by_key.items() if item.kind == "column" and by.get(key)]
        if not physical.whole(group.name, columns) or group.name.casefold() not in (subject.models or {}):
            return None
    ran = any(line.changed for line in best.played.told if line.migration and line.step in rest)
    ddl = tuple(text for name, group in begun.final.items() if name not in begun.begin for text in group.source)
    models = Outside(ddl if ran else subject.models_ddl, "models", "", "models", KNOWN)
    other = search.attempt((models, *rest) if ran else (models,))
    return other if other is not best and _apart(other.cost) <= _apart(best.cost) + 2 * KNOWN else None


def _parted(search: Search, best: Tried) -> tuple[Story, Story]:
    """Return the steps up to the last of the first migrations that cannot have run as the tracker says, and the others.

    Nothing is returned of a story in which another migration comes before them. A migration without a trace may have run or not.
    """
    physical, story = search.subject.physical, best.played.story
    assert physical is not None
    left: dict[str, list[SchemaObject]] = {}
    for key, author in authors(best.played).items():
        item = search.subject.live[key[1] or key[2]].by_key.get(key) if (key[1] or key[2]) in search.subject.live else None
        if item is not None and author:
            left.setdefault(author, []).append(item)
    end = 0
    for at, step in enumerate(story, 1):
        if isinstance(step, Run) and step.migration in left:
            if step.statements is not None or not physical.strange(step.migration, left):
                break
            end = at
    return story[:end], story[end:]


def authors(played: Played) -> dict[Key, str]:
    """Return which migration left each object as it is in a story (empty: something outside)."""
    found: dict[Key, str] = {}
    state: State = dict(played.begin)
    for line in played.told:
        for name, group in line.changed:
            for key, _was, now in changed(state.get(name), group):
                if now is not None:
                    found[key] = line.migration
        state = apply(state, line)
    return found


def _apart(cost: Cost) -> float:
    """Return the price of a story without what it says against the tracker."""
    return cost.outside + cost.residual + cost.soft


def _made(played: Played) -> set[str]:
    """Return the groups that the migrations of a story made and that are still there."""
    made: set[str] = set()
    state: State = dict(played.begin)
    for line in played.told:
        for name, group in line.changed:
            if group is None:
                made.discard(name)
            elif name not in state and line.migration:
                made.add(name)
        state = apply(state, line)
    return made


def by_writers(
    search: Search, before: Tried, best: Tried, judged: dict[str, Judged], silent: Iterable[Silent]
) -> dict[str, Judged]:
    """Return the judgements with what the writers decide: what they took from the best story, and silent migrations.

    ``before`` is the story that the schema alone spoke for.
    """
    physical = search.subject.physical
    if physical is None or not physical.speaks:
        return judged
    decided = dict(judged)
    then = {step.migration: step for step in before.played.story if isinstance(step, Run)}
    now = {step.migration: step for step in best.played.story if isinstance(step, Run)}
    for name in decided:
        if then.get(name) != now.get(name) and decided[name].executed in ("yes", "no"):
            decided[name] = replace(decided[name], basis="physical")
    for name, answer in _by_slots(search, tuple(silent)).items():
        if decided[name].executed == "unknown":
            decided[name] = replace(decided[name], executed=answer, basis="physical", why="")
    return decided


def _by_slots(search: Search, silent: tuple[Silent, ...]) -> dict[str, str]:
    """Return what the slots of dropped columns say of silent migrations, where they leave no choice."""
    physical = search.subject.physical
    assert physical is not None
    said: dict[str, set[str]] = {}
    sets = [(item, _slots(item.base), _slots(item.other)) for item in silent if not item.partly]
    for name, live in search.subject.live.items():
        slots = physical.dropped(live.name)
        moved = [(item, base.get(name), other.get(name)) for item, base, other in sets if base.get(name) != other.get(name)]
        counts = [(item, one, two) for item, one, two in moved if one is not None and two is not None]
        if slots is None or not counts or len(counts) < len(moved) or len({one for _, one, _ in counts}) > 1:
            continue
        steps = [two - one for _, one, two in counts]
        if min(steps) < 0 < max(steps):
            continue  # they could make up for one another
        base = counts[0][1]
        if slots not in (base, base + sum(steps)):
            continue
        for item, _one, _two in counts:
            answer = "yes" if item.ran == (slots == base) else "no"
            for migration in item.migrations:
                said.setdefault(migration, set()).add(answer)
    return {name: answers.pop() for name, answers in said.items() if len(answers) == 1}


def _slots(played: Played) -> dict[str, int | None]:
    """Return how many slots of dropped columns a story leaves in each table; None where that cannot be told."""
    found: dict[str, int | None] = {}
    state: State = dict(played.begin)
    for line in played.told:
        after = apply(state, line)
        moved = [name for name, group in line.changed if group is None]
        for name, group in line.changed:
            was = state.get(name)
            if group is None:
                found.pop(name, None)
            elif was is None:
                found[name] = None if moved else 0  # it may be an old one under another name
            elif (count := found.get(name, 0)) is not None:
                lost = _lost(was, group)
                found[name] = None if lost is None else count + lost
        state = after
    return found


def _lost(was: Group, now: Group) -> int | None:
    """Return how many columns a step dropped; None where it may have renamed one."""
    old = {key: item for key, item in was.by_key.items() if key[0] == "column"}
    new = {key: item for key, item in now.by_key.items() if key[0] == "column"}
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    if any(new[key].position == old[other].position for key in come for other in gone):
        return None
    return len(gone)
