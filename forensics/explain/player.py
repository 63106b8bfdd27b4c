"""Play stories quickly: a step is run once for each state of the objects that it can touch.

A migration sees only part of a schema. Its outcome is remembered by the state of the groups that its text
mentions (and of what hangs on them), so that a story that differs in one step from another costs little more than that step, and a
step runs on a scratch database that holds just those groups. Where the text does not tell what it touches, it is run on
all of them. The story that wins is always proven in full, from empty, by `prove`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from forensics.errors import ReplayError
from forensics.explain.sight import Eyes, words
from forensics.explain.story import Outside, Played, Run, State, Step, Story, Told, apply, furnished
from forensics.explain.tape import Recorder, Sight
from forensics.model import Group, Migration, Snapshot
from forensics.replay.absent import NoLab
from forensics.replay.lab import Attempt, Lab, Outcome, RunMigration, RunStatements

# How the hints begin that say what is missing here; see `forensics.replay.advice`.
LACKING = ("give ", "set `python`")

@dataclass(frozen=True, slots=True)
class Effect:
    """What a step did to the groups that it saw."""

    changed: tuple[tuple[str, Group | None], ...]
    done: int
    total: int | None
    error: str
    failed: str
    lost: bool = False
    ddl: int = 0


class _RowsMatter(Exception):
    """What a step does depends on rows, and the small scratch database has none."""


class Player:
    """Plays stories of one chain on one laboratory. ``contents`` are the migrations with the text that ran here."""

    def __init__(
        self, lab: Lab | NoLab, contents: Mapping[str, Migration], today: Mapping[str, Migration] | None = None
    ) -> None:
        self.lab = lab
        self.contents = contents
        self.today = today or contents
        self.runs = 0
        self.attempts: list[tuple[str, Attempt]] = []
        self.supplies: Mapping[str, tuple[Outside, ...]] = {}
        self._refused: dict[str, str] = {}
        self.read: frozenset[str] = frozenset()  # run by what their text spells out, which is all of it
        self._effects: dict[object, Effect] = {}
        self._outlined: dict[object, Effect] = {}
        self._lasts: dict[str, tuple[frozenset[str], str]] = {}
        self._rows_matter: set[str] = set()
        self.eyes = Eyes(contents, lab.dialect)
        self._recorder = Recorder(self._told, self.eyes.newly, lambda: self.begin)
        self._proofs: dict[Story, Played] = {}

    @cached_property
    def begin(self) -> State:
        """What is there before the first migration: what the hint ``setup`` makes, mostly nothing."""
        return self.state(self.lab.schema(self.lab.empty))

    def play(self, story: Story) -> Played:
        """Play a story from empty; steps that fail keep what their transaction mode keeps, and the story goes on.

        What migrations need from outside (``supplies``) is put in before them.
        """
        story = furnished(story, self.supplies)
        try:
            told, state = self._recorder.play(story)
        except _RowsMatter:
            return self.prove(story)
        return Played(story, told, state, self.begin)

    def prove(self, story: Story) -> Played:
        """Play a story in full, on one scratch database from empty to its end, with the rows that it writes."""
        story = furnished(story, self.supplies)
        known = self._proofs.get(story)
        if known is not None:
            return known
        key = self.lab.empty
        state = self.begin
        told: tuple[Told, ...] = ()
        for step in story:
            outcome = self.lab.run(key, self.order(step))
            self._note(step, outcome)
            if isinstance(step, Run) and step.migration not in self.eyes.executed and outcome.error is None:
                texts = [item.sql for item in outcome.statements]
                earlier, last = words("\n".join(texts[:-1])), "".join(texts[-1:])
                self.eyes.executed[step.migration] = earlier | words(last)
                self._lasts[step.migration] = (earlier, last)
            key = outcome.state
            after = self.state(self.lab.schema(key))
            changes = _changes(state, after)
            told = (*told, _line(step, _effect(changes, outcome)))
            state = after
        played = self._proofs[story] = Played(story, told, state, self.begin)
        return played

    def calibrate(self, proven: Played) -> None:
        """Run each Python migration of a proven story on what its text names, and where that goes another way, see more of it.

        What a helper of the project touches stands in no text. Such a migration is run on the whole schema from here on, or
        with all rows where the schema alone is not enough.
        """
        state = proven.begin
        for line in proven.told:
            step = line.step
            if isinstance(step, Run) and self.contents[step.migration].language == "python":
                if not self._alike(state, line) and self.eyes.names(step) is not None:
                    self.eyes.blinded(step.migration)
                    self._recorder.forget()
                if self.eyes.names(step) is None and not self._alike(state, line):
                    self._rows_matter.add(step.migration)
                    self._recorder.forget()
            state = apply(state, line)

    def _alike(self, state: State, line: Told) -> bool:
        effect = self._effect(self.eyes.look(state, line.step), line.step)
        if effect.lost or effect.error != line.error:
            return effect.lost or "constraint failed" in effect.error
        here, there = dict(effect.changed), dict(line.changed)
        return here.keys() == there.keys() and all(_same(here[name], there[name]) for name in here)

    def after(self, state: State, step: Step) -> tuple[State, Told]:
        """Run one step on a given state."""
        line = _line(step, self._effect(self.eyes.look(state, step), step))
        return apply(state, line), line

    def instead(self, refused: Mapping[str, str], texts: Mapping[str, Migration]) -> Player:
        """Return a player that runs these in place of what was refused, and still says why that was."""
        made = Player(self.lab, {**self.contents, **texts}, self.today)
        made.attempts, made._refused = self.attempts, dict(refused)
        return made

    def refused(self) -> dict[str, str]:
        """Return, by id, why migrations could not be run at all (not: why they failed), with the hint that would help."""
        return dict(self._refused)

    def _note(self, step: Step, outcome: Outcome) -> None:
        if not isinstance(step, Run):
            return
        self.attempts += [(step.migration, item) for item in outcome.attempts]
        lacks = outcome.failure == "python" and (outcome.hint.startswith(LACKING) or bool(outcome.attempts))
        kinds = ("load", "untrusted", "timeout", "died", "absent")
        if (lacks or outcome.failure in kinds) and self.contents[step.migration].loadable:
            why = f"{outcome.place}: " if outcome.place else ""
            why += f"{outcome.error}" + (f" ({outcome.hint})" if outcome.hint else "")
            self._refused.setdefault(step.migration, why)

    def after_text(self, state: State, migration: Migration) -> State:
        """Return the state after a migration with another text than the one that was applied."""
        groups = tuple(state.values())
        outcome = self.lab.run(self.lab.seed(_rows(groups)), RunMigration(migration=migration))
        return self.state(self.lab.schema(outcome.state))

    def statement_words(self, name: str) -> tuple[frozenset[str], str]:
        """Return the words of all statements of a migration but its last one, and the last one, as it went by itself."""
        return self._lasts.get(name, (frozenset(), ""))

    def words_of(self, name: str) -> frozenset[str]:
        """Return every word of the text of a migration, case-folded."""
        return words(self.contents[name].content.text)

    @staticmethod
    def state(snapshot: Snapshot) -> State:
        """Return a snapshot as the mapping that stories work on."""
        return {group.name.casefold(): group for group in snapshot.groups}

    def order(self, step: Step) -> RunMigration | RunStatements:
        """Return a step as the laboratory takes it."""
        if isinstance(step, Outside):
            return RunStatements(statements=step.ddl)
        migration = self.contents[step.migration]
        chosen = step.statements
        if chosen is None:
            return RunMigration(migration=migration)
        if chosen == tuple(range(1, len(chosen) + 1)):
            return RunMigration(migration=migration, upto=len(chosen))
        pieces = self.lab.statements(migration)
        return RunStatements(statements=tuple(pieces[number - 1] for number in chosen))

    def names(self, step: Step) -> frozenset[str] | None:
        """Return every name that a step can touch; None where its text does not tell."""
        return self.eyes.names(step)

    def runnable(self, name: str) -> bool:
        """Whether a migration can be run at all: its tool can load it, or its forward function is known."""
        migration = self.contents[name]
        return migration.loadable or bool(migration.entry)

    def _told(self, state: State, step: Step) -> tuple[Told, Sight]:
        sight = self.eyes.look(state, step)
        effect = self._effect(sight, step)
        heeded = isinstance(step, Run) and step.migration in self._rows_matter
        if effect.lost or heeded or "constraint failed" in effect.error:
            raise _RowsMatter
        return _line(step, effect), sight

    def _effect(self, sight: Sight, step: Step) -> Effect:
        key = (step, tuple((group.name, group.text) for group in sight.groups))
        effect = self._effects.get(key)
        outline, beside = (None, frozenset[str]()) if sight.everything else self.eyes.outline(sight, step)
        if effect is None and outline in self._outlined:
            effect = self._effects[key] = self._outlined[outline]
        if effect is None:
            self.runs += 1
            try:
                seed = self.lab.seed(_rows(sight.groups))
            except ReplayError as lost:
                effect = self._effects[key] = Effect((), 0, None, lost.what, "", lost=True)
                return effect
            before = self.state(self.lab.schema(seed))
            outcome = self.lab.run(seed, self.order(step))
            self._note(step, outcome)
            after = self.state(self.lab.schema(outcome.state))
            effect = self._effects[key] = _effect(_changes(before, after), outcome)
            if outline is not None and not effect.error and beside.isdisjoint(name for name, _group in effect.changed):
                self._outlined[outline] = effect
        return effect

def _same(one: Group | None, other: Group | None) -> bool:
    return one is other or bool(one and other and one.written == other.written and one.trace == other.trace)


def _line(step: Step, effect: Effect) -> Told:
    return Told(step, effect.changed, effect.done, effect.total, effect.error, effect.failed, effect.ddl)


def _rows(groups: Iterable[Group]) -> tuple[str, ...]:
    """Return the stored statements of groups, tables before what refers to them."""
    tables: list[str] = []
    others: list[str] = []
    for group in groups:
        for text in group.source:
            (tables if text[:12].upper() == "CREATE TABLE" else others).append(text)
    return (*tables, *others)


def _changes(before: State, after: State) -> tuple[tuple[str, Group | None], ...]:
    gone = [(name, None) for name in before if name not in after]
    new = [(name, group) for name, group in after.items() if before.get(name) is not group]
    return (*gone, *new)


def _effect(changes: tuple[tuple[str, Group | None], ...], outcome: Outcome) -> Effect:
    ddl = sum(item.ddl for item in outcome.statements)
    return Effect(changes, len(outcome.statements), outcome.total, outcome.error or "", outcome.failed or "", ddl=ddl)
