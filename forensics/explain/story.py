"""A story: the ordered list of executed statements and outside changes that is to rebuild a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forensics.model import Group


@dataclass(frozen=True, slots=True)
class Run:
    """A migration ran: all of it, or only these of its statements (counted from 1)."""

    migration: str
    statements: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """Something that is no migration changed the schema at this place in the order.

    ``origin`` is ``application``, ``models``, ``person`` or ``unknown``; ``ref`` says where the same DDL stands.
    ``weight`` is the number of elementary changes that the step stands for when stories are compared.
    """

    ddl: tuple[str, ...]
    origin: str
    group: str
    ref: str = ""
    weight: float = 1.0


Step = Run | Outside
Story = tuple[Step, ...]
State = dict[str, Group]


@dataclass(frozen=True, slots=True)
class Told:
    """One step as it went: what it changed, how far it came, and the error that ended it.

    ``changed`` maps a case-folded group name to the group it left (None: gone). ``done`` counts the statements that
    took place out of ``total`` (None: unknown); ``ddl`` counts those that changed the schema.
    """

    step: Step
    changed: tuple[tuple[str, Group | None], ...]
    done: int
    total: int | None
    error: str = ""
    failed: str = ""
    ddl: int = 0

    @property
    def migration(self) -> str:
        """The id of the migration that ran; empty for a change from outside."""
        return self.step.migration if isinstance(self.step, Run) else ""

    @property
    def status(self) -> str:
        """``full``, ``partial`` (something was left behind) or ``nothing``."""
        chosen = isinstance(self.step, Run) and self.step.statements is not None
        if not self.error and not chosen:
            return "full"
        return "partial" if self.changed else "nothing"


@dataclass(frozen=True, slots=True)
class Played:
    """A story with what each of its steps did, the state it ends in, and the one before its first step (`Player.begin`)."""

    story: Story
    told: tuple[Told, ...]
    final: State
    begin: State = field(default_factory=dict)


def apply(state: State, line: Told) -> State:
    """Return the state after a told step."""
    if not line.changed:
        return state
    state = dict(state)
    for name, group in line.changed:
        if group is None:
            state.pop(name, None)
        else:
            state[name] = group
    return state


def furnished(story: Story, supplies: Mapping[str, tuple[Outside, ...]]) -> Story:
    """Return a story with what each of its migrations needs from outside right before it, and without what none needs."""
    if not supplies:
        return story
    known = {step for steps in supplies.values() for step in steps}
    placed: list[Step] = []
    for step in story:
        if isinstance(step, Run) and step.statements is None:
            placed += supplies.get(step.migration, ())
        if step not in known:
            placed.append(step)
    return tuple(placed)
