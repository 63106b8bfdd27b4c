"""Play a story by its difference from one that was played before.

Most stories that are tried differ from another one in a step. What that step leaves differently is followed through the rest: a later
step that sees none of it went as it went before. So a try costs what it changes, not what the chain weighs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forensics.explain.story import State, Step, Story, Told
from forensics.model import Group

ANCHORS = 4
FAR = 12


@dataclass(frozen=True, slots=True)
class Sight:
    """What a step sees of a state: the groups it works on, those that it names, and the words of those that lead on to others.

    ``everything``: its text does not tell, so that it may see any group.
    """

    groups: tuple[Group, ...]
    seen: frozenset[str]
    direct: frozenset[str]
    leading: frozenset[str]
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Tape:
    """A story that was played: each step with what it saw, and the state before it; one state more at the end."""

    story: Story
    told: tuple[Told, ...]
    sights: tuple[Sight, ...]
    states: tuple[State, ...]


Run = Callable[[State, Step], tuple[Told, Sight]]
Newly = Callable[[Step, Sight, Group], bool]


class Recorder:
    """Plays stories, each by its difference from the nearest of the last ones.

    ``run`` runs one step on a state; ``newly`` says whether a step that saw this also sees a group that was not there or was
    another; ``begin`` gives the state before the first step.
    """

    def __init__(self, run: Run, newly: Newly, begin: Callable[[], State]) -> None:
        self._run = run
        self._newly = newly
        self._begin = begin
        self._tapes: list[Tape] = []

    def play(self, story: Story) -> tuple[tuple[Told, ...], State]:
        """Return the steps as they went, and the state they end in."""
        if not self._tapes:
            self._tapes.append(Tape((), (), (), (self._begin(),)))
        tape, before, after = max(
            ((item, *_common(item.story, story)) for item in self._tapes), key=lambda found: found[1] + found[2]
        )
        told: list[Told] = list(tape.told[:before])
        sights: list[Sight] = list(tape.sights[:before])
        other: dict[str, Group | None] = {}
        ran = 0
        at = before
        for step, paired in _aligned(tape.story, story, before, after):
            if step is None:  # the tape has a step here that the story lacks
                self._meet(other, tape, at, {name: _before(tape, at, other, name) for name, _ in tape.told[at].changed})
                at += 1
                continue
            if paired and not (other and self._differs(step, tape.sights[at], other)):
                told.append(tape.told[at])
                sights.append(tape.sights[at])
                at += 1
                continue
            line, sight = self._run(_patched(tape.states[at], other), step)
            ran += 1
            told.append(line)
            sights.append(sight)
            left = dict(line.changed)
            if paired:
                for name, _group in tape.told[at].changed:
                    left.setdefault(name, _before(tape, at, other, name))
                self._meet(other, tape, at, left)
                at += 1
            else:
                for name, group in left.items():
                    _note(other, name, group, tape.states[at].get(name))
        final = _patched(tape.states[-1], other)
        if ran > FAR or not tape.story:
            states: list[State] = [tape.states[0]]
            for line in told:
                states.append(_after(states[-1], line))
            self._tapes.insert(0, Tape(story, tuple(told), tuple(sights), tuple(states)))
            del self._tapes[ANCHORS:]
        elif self._tapes[0] is not tape:
            self._tapes.remove(tape)
            self._tapes.insert(0, tape)
        return tuple(told), final

    def forget(self) -> None:
        """Forget every story: a step sees more than it was taken to see."""
        self._tapes.clear()

    def _differs(self, step: Step, sight: Sight, other: dict[str, Group | None]) -> bool:
        """Whether a step sees something of what is not as it was on the tape."""
        if sight.everything or not sight.seen.isdisjoint(other):
            return True
        return any(group is not None and self._newly(step, sight, group) for group in other.values())

    @staticmethod
    def _meet(other: dict[str, Group | None], tape: Tape, at: int, left: dict[str, Group | None]) -> None:
        """Compare what this story has after a step of the tape with what the tape has."""
        for name, group in left.items():
            _note(other, name, group, tape.states[at + 1].get(name))


def _before(tape: Tape, at: int, other: dict[str, Group | None], name: str) -> Group | None:
    return other[name] if name in other else tape.states[at].get(name)


def _note(other: dict[str, Group | None], name: str, group: Group | None, there: Group | None) -> None:
    if group is there or (group and there and group.text == there.text and group.trace == there.trace):
        other.pop(name, None)
    else:
        other[name] = group


def _patched(state: State, other: dict[str, Group | None]) -> State:
    if not other:
        return state
    patched = dict(state)
    for name, group in other.items():
        if group is None:
            patched.pop(name, None)
        else:
            patched[name] = group
    return patched


def _after(state: State, line: Told) -> State:
    return _patched(state, dict(line.changed))


def _common(one: Story, other: Story) -> tuple[int, int]:
    """Return how many steps two stories share at their beginnings, and at their ends."""
    shortest = min(len(one), len(other))
    before = shortest
    for at in range(shortest):
        if one[at] is not other[at] and one[at] != other[at]:
            before = at
            break
    after = 0
    while after < shortest - before and (one[-1 - after] is other[-1 - after] or one[-1 - after] == other[-1 - after]):
        after += 1
    return before, after


def _aligned(tape: Story, story: Story, before: int, after: int) -> Iterator[tuple[Step | None, bool]]:
    """Yield the steps of a story behind the common beginning, each with whether it stands beside its like on the tape.

    (None, False) stands for a step of the tape that the story lacks at that place.
    """
    end, rest = len(tape) - after, story[before : len(story) - after]
    at = before
    waiting = Counter(rest)
    for step in rest:
        while at < end and tape[at] != step and not waiting[tape[at]]:
            at += 1
            yield None, False
        waiting[step] -= 1
        beside = at < end and tape[at] == step
        at += beside
        yield step, beside
    for _gone in range(at, end):
        yield None, False
    for step in story[len(story) - after :]:
        yield step, True
