"""What the chain by itself builds: a signature for every migration, a provenance for every object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from forensics.explain.assume import assume
from forensics.explain.compare import Value, changed, value
from forensics.explain.player import Player
from forensics.explain.sight import words
from forensics.explain.story import Outside, Played, Run, State, Story, Told, apply
from forensics.model import Group, Key, Migration, SchemaObject


@dataclass(frozen=True, slots=True)
class Trace:
    """One object that one migration wrote: what was there before, and what it left."""

    key: Key
    before: SchemaObject | None
    after: SchemaObject | None


@dataclass(frozen=True, slots=True)
class Writing:
    """One entry of an object's provenance: the place in the reference order, who wrote, and what it left."""

    place: int
    migration: str
    left: Value | None


@dataclass(frozen=True)
class Reference:
    """The chain replayed from empty.

    ``order`` is the order in which the migrations went through: the chain's, but one that failed is tried again after
    each later success, so that its signature is known although no run in order can pass. ``failures`` are the
    migrations that fail in the chain's own order, from empty, with what happened. ``never`` failed everywhere.
    ``spelled`` are the names in the statements that each executed, in its own order. ``lineage`` tells under which other names
    a group stood before: a renamed table, case-folded. ``supplies`` are changes from outside without which a migration cannot run.
    """

    order: tuple[str, ...]
    signatures: dict[str, tuple[Trace, ...]]
    provenance: dict[Key, tuple[Writing, ...]]
    failures: tuple[Told, ...]
    never: dict[str, Told]
    told: dict[str, Told]
    states: tuple[State, ...]
    final: State
    natural: State
    after_failure: frozenset[str]
    spelled: dict[str, frozenset[str]]
    lineage: dict[str, frozenset[str]]
    supplies: Mapping[str, tuple[Outside, ...]] = field(default_factory=dict)


def reference(player: Player, migrations: Iterable[Migration], models: Mapping[str, Group] | None = None) -> Reference:
    """Replay a chain from empty and record what each migration wrote.

    ``models`` are the groups that the application's models build: what migrations may have found in their place.
    """
    chain = tuple(migrations)
    natural = player.prove(tuple(Run(item.id) for item in chain if item.loadable))
    player.calibrate(natural)
    failures = tuple(line for line in natural.told if line.error)
    ids = [item.id for item in chain if player.runnable(item.id)]
    story = _postponed(player, ids) if failures or len(ids) > len(natural.story) else natural.story
    failing = {line.migration: line for line in player.play(story).told if line.error}
    player.supplies = assume(player, story, failing, models or {}) if failing else {}
    played = player.prove(story)
    signatures: dict[str, tuple[Trace, ...]] = {}
    provenance: dict[Key, list[Writing]] = {}
    told: dict[str, Told] = {}
    states: list[State] = []
    state = played.begin
    broken: set[str] = set()
    failed_before = False
    place = -1
    for line in played.told:
        if not isinstance(line.step, Run):
            state = apply(state, line)
            continue
        name, place = line.step.migration, place + 1
        traces = tuple(
            Trace(key, was, now) for group, after in line.changed for key, was, now in changed(state.get(group), after)
        )
        state = apply(state, line)
        states.append(state)
        told[name] = line
        signatures[name] = traces
        failed_before = failed_before or bool(line.error)
        if failed_before:
            broken.add(name)
        for trace in traces:
            provenance.setdefault(trace.key, []).append(Writing(place, name, value(trace.after)))
    return Reference(
        order=tuple(step.migration for step in played.story if isinstance(step, Run)),
        signatures=signatures,
        provenance={key: tuple(items) for key, items in provenance.items()},
        failures=failures,
        never={name: line for name, line in told.items() if line.error},
        told=told,
        states=tuple(states),
        final=played.final,
        natural=natural.final,
        after_failure=frozenset(broken),
        spelled=_spelled(player, played.story),
        lineage=_lineage(played),
        supplies=player.supplies,
    )


def _spelled(player: Player, story: Story) -> dict[str, frozenset[str]]:
    key = player.lab.empty
    found: dict[str, frozenset[str]] = {}
    for step in story:
        outcome = player.lab.run(key, player.order(step))
        key = outcome.state
        if isinstance(step, Run):
            found[step.migration] = words("\n".join(item.sql for item in outcome.statements))
    return found


def _lineage(played: Played) -> dict[str, frozenset[str]]:
    """Return the earlier names of groups: what went in the step in which a group with the same columns came."""
    state = played.begin
    earlier: dict[str, frozenset[str]] = {}
    for line in played.told:
        gone = [name for name, group in line.changed if group is None]
        for name, group in line.changed:
            if group is None or name in state:
                continue
            own = _columns(group)
            for old in gone:
                if 2 * len(own & _columns(state[old])) > len(own):
                    earlier[name] = earlier.get(name, frozenset()) | earlier.get(old, frozenset()) | {old}
        state = apply(state, line)
    return earlier


def _columns(group: Group) -> frozenset[str]:
    return frozenset(item.ident for item in group.objects if item.kind == "column")


def _postponed(player: Player, ids: list[str]) -> Story:
    """Return an order in which as many migrations as possible go through whole; the others fail at their place."""
    story: list[Run] = []
    waiting: list[str] = []

    def passes(name: str) -> bool:
        told = player.play((*story, Run(name))).told[-1]
        return not told.error

    for name in ids:
        if not passes(name):
            waiting.append(name)
            continue
        story.append(Run(name))
        for late in list(waiting):
            if passes(late):
                story.append(Run(late))
                waiting.remove(late)
    for name in waiting:  # what fails everywhere keeps its place, with whatever it leaves there
        place = next((at for at, step in enumerate(story) if ids.index(step.migration) > ids.index(name)), len(story))
        story.insert(place, Run(name))
    return tuple(story)
