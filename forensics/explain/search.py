"""Find the cheapest story that rebuilds a live schema.

It starts from what the tracker says and from what the objects vote for, and mends the best story so far where what it
rebuilds differs from the live schema: a migration that touches what differs is taken out, put in, stopped after a statement,
moved behind the step it waited for; something outside creates or alters a group at another place in the order. Each try is a
replay. It ends when nothing differs or nothing helps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.explain.compare import Ruler
from forensics.explain.cost import KNOWN, Cost, cost
from forensics.explain.moves import moves, supplied
from forensics.explain.outside import hangings
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.story import Outside, Played, Run, Story, Told
from forensics.explain.subject import Subject

ROUNDS = 60
NEAR = 16.0


@dataclass(frozen=True)
class Tried:
    """A story that was tried: what it left and what it cost."""

    played: Played
    cost: Cost


@dataclass
class Search:
    """The search for one environment. ``tried`` keeps every story, for ties and for ``--explain``."""

    subject: Subject
    reference: Reference
    player: Player
    votes: dict[str, Counter[str]]
    ruler: Ruler = field(default_factory=Ruler)
    tried: dict[Story, Tried] = field(default_factory=dict)
    lives: dict[int, tuple[Played, dict[str, frozenset[str]]]] = field(default_factory=dict)
    rounds: int = ROUNDS

    def __post_init__(self) -> None:
        self.silent = frozenset(
            item.id for item in self.subject.migrations if not self.reference.signatures.get(item.id)
        )
        self.order = self.subject.order
        self._related: dict[str, tuple[str, ...]] = {}
        self._fruitless: set[object] = set()
        self.spare = frozenset(name for name in self.subject.models or () if not self.mentioned(name))

    def best(self) -> Tried:
        """Return the cheapest story found, played in full.

        The descent begins at the cheapest start, and at the tracker's own story where that is not far from the live schema: what
        one start has left out cannot always be seen from there.
        """
        starts = [self.attempt(story) for story in dict.fromkeys(self.starts())]
        first = min(starts, key=cheaper)
        ends = [self.descended(first)]
        modelled = any(isinstance(step, Outside) and step.origin == "models" for step in first.played.story)
        exact = not self.differing(first.played) and not first.cost.residual
        if exact and modelled:  # nothing is left to explain, letter by letter
            return self.proven(ends[0])
        if starts[0] is not first and starts[0].cost.total <= first.cost.total + NEAR:
            ends.append(self.descended(starts[0]))
        return self.proven(self.emptied(min(ends, key=cheaper)))

    def emptied(self, best: Tried) -> Tried:
        """Return the story with every table that is gone dropped from outside at its end, where that is as good.

        What only such a table could show is then seen to leave no trace.
        """
        for name in self.differing(best.played):
            if name in best.played.final and name not in self.subject.live:
                for step in hangings(name, best.played.final, self.subject.live, self.subject.dialect):
                    tried = self.attempt((*best.played.story, step))
                    if tried.cost.total < best.cost.total + 1e-6 and name not in tried.played.final:
                        best = tried
                        break
        return best

    def descended(self, best: Tried) -> Tried:
        """Mend a story move by move until nothing helps."""
        for _round in range(self.rounds):
            better = self.improved(best)
            if better is None:
                break
            best = better
        return best

    def proven(self, best: Tried) -> Tried:
        """Replay a story in full and from empty; what that gives is what counts."""
        played = self.player.prove(best.played.story)
        return Tried(played, cost(played, self.subject, self.ruler, self.silent, self.spare))

    def attempt(self, story: Story) -> Tried:
        """Play a story and price it; steps that leave nothing behind are no part of it."""
        known = self.tried.get(story)
        if known is not None:
            return known
        played = self.player.play(story)
        kept = tuple(line.step for line in played.told if self.counts(line))
        if kept != story:
            found = self.tried[story] = self.attempt(kept)
            return found
        found = self.tried[story] = Tried(played, cost(played, self.subject, self.ruler, self.silent, self.spare))
        return found

    def counts(self, line: Told) -> bool:
        """Whether a step is part of a story: it left something, or the tracker says that it ran and it went through."""
        if line.changed or isinstance(line.step, Outside):
            return True
        return not line.error and line.step.migration in self.subject.recorded and line.step.statements is None

    def starts(self) -> Iterator[Story]:
        """Yield the stories to begin with: the tracker's, what the objects vote for, and the models alone."""
        usable = [item.id for item in self.subject.migrations if item.loadable]
        claimed = [name for name in usable if name in self.subject.recorded]
        voted = [item.id for item in self.subject.migrations if self.player.runnable(item.id) and self.voted(item.id)]
        yield tuple(Run(name) for name in claimed)
        yield tuple(Run(name) for name in voted)
        place = {name: at for at, name in enumerate(self.subject.recorded_order)}
        if place:
            ranked = sorted(voted, key=lambda name: (place.get(name, len(place)), self.order[name]))
            yield tuple(Run(name) for name in ranked)
        yield tuple(Run(name) for name in self.reference.order[: self.nearest()])
        settled = self.reference.order
        yield tuple(Run(name) for name in settled if self.voted(name))
        if self.subject.models_ddl:
            for names in dict.fromkeys(names for names in (tuple(claimed), tuple(voted)) if names):
                story = tuple(Run(name) for name in names)
                yield (*story, *self.modelled(story))
            yield (Outside(self.subject.models_ddl, "models", "", "models", KNOWN),)
        yield ()

    def nearest(self) -> int:
        """Return after how many steps of the chain's own replay its schema is nearest to the live one."""
        live = self.subject.live
        apart: list[float] = []
        for state in self.reference.states:
            names = [name for name in state.keys() | live.keys() if state.get(name) is not live.get(name)]
            apart.append(sum(self.ruler.measure(state.get(name), live.get(name)).price for name in names))
        least = min(apart, default=0.0)
        return max((at + 1 for at, price in enumerate(apart) if price == least), default=0)

    def modelled(self, story: Story) -> Iterator[Outside]:
        """Yield what the models make beside a story: the application creates at its start what is not there."""
        final = self.attempt(story).played.final
        for name, group in self.subject.live.items():
            made = (self.subject.models or {}).get(name)
            if name not in final and made is not None and made.source:
                yield Outside(made.source, "models", group.name, "models", KNOWN)

    def voted(self, name: str) -> bool:
        """Whether the live objects speak for a migration; where they are silent, the tracker does."""
        count = self.votes.get(name, Counter())
        if count["present"] or count["absent"] or count["altered"]:
            return count["present"] + count["altered"] > 0 and count["present"] + count["altered"] >= count["absent"]
        return name in self.subject.recorded

    def improved(self, best: Tried) -> Tried | None:
        """Return the cheapest story that is one move away from the best, if it is cheaper."""
        names = self.differing(best.played)
        failing = [line.step for line in best.played.told if line.error]
        if not names and not failing and best.cost.total <= 0:
            return None
        found = best
        for name in names:
            part = self.part(best, name)
            if part in self._fruitless:
                continue
            helped = False
            for story in moves(self, best, name):
                tried = self.attempt(story)
                helped = helped or _better(tried, best)
                if _better(tried, found):
                    found = tried
            if not helped:
                self._fruitless.add(part)
        for story in supplied(self, best.played):
            tried = self.attempt(story)
            if _better(tried, found):
                found = tried
        return found if found is not best else None

    def part(self, best: Tried, name: str) -> object:
        """Return what of a story has to do with a group: what helped nothing there once will help nothing the next time."""
        related = set(self.related(name))
        steps = tuple(
            line.step
            for line in best.played.told
            if (line.step.migration in related if isinstance(line.step, Run) else line.step.group.casefold() == name)
        )
        final = best.played.final.get(name)
        return (name, final.text if final else "", steps)

    def differing(self, played: Played) -> list[str]:
        """Return the names of the groups that a story rebuilds differently from the live schema, in a fixed order."""
        live = self.subject.live
        return sorted(
            name
            for name in played.final.keys() | live.keys()
            if not self.ruler.measure(played.final.get(name), live.get(name)).exact and self.mentioned(name)
        )

    def mentioned(self, name: str) -> bool:
        """Whether any migration mentions a group."""
        return bool(self.related(name))

    def related(self, name: str) -> tuple[str, ...]:
        """Return the migrations that wrote a group, or whose text or statements name it, in the chain's order.

        What a group was called before counts too: who altered a table before it was renamed is related to it.
        """
        known = self._related.get(name)
        if known is None:
            names = self.reference.lineage.get(name, frozenset()) | {name}
            writers = {
                item
                for item, traces in self.reference.signatures.items()
                if any(trace.key[1] in names or trace.key[2] == name for trace in traces)
            }
            for item in self.subject.migrations:
                spelled = self.player.names(Run(item.id)) if item.loadable else frozenset()
                if name in (spelled or ()) or name in self.reference.spelled.get(item.id, ()):
                    writers.add(item.id)
            ranked = sorted((item for item in writers if item in self.order), key=self.order.__getitem__)
            known = self._related[name] = tuple(ranked)
        return known

    def place(self, story: Story, item: str) -> int:
        """Return the place in a story before the first step that comes later in the chain."""
        for at, step in enumerate(story):
            if isinstance(step, Run) and self.order[step.migration] > self.order[item]:
                return at
        return len(story)

    def ties(self, best: Tried) -> list[Tried]:
        """Return the other stories of the same price that say something else of some migration."""
        found: dict[object, Tried] = {}
        own = self.told(best)
        for tried in self.tried.values():
            same = abs(tried.cost.total - best.cost.total) < 1e-6
            if same and (said := self.told(tried)) != own:
                found.setdefault(said, tried)
        return sorted(found.values(), key=lambda item: repr(self.told(item)))

    def told(self, tried: Tried) -> tuple[tuple[str, str], ...]:
        """Return what a story says of every migration that writes something."""
        return tuple(
            sorted(
                (line.step.migration, line.status)
                for line in tried.played.told
                if isinstance(line.step, Run) and line.step.migration not in self.silent
            )
        )


def _better(tried: Tried, than: Tried) -> bool:
    """Whether a story is cheaper than another, or as cheap and nearer to the tracker."""
    total, other = tried.cost.total, than.cost.total
    return total < other - 1e-6 or (total < other + 1e-6 and tried.cost.deviations < than.cost.deviations - 1e-6)


def cheaper(item: Tried) -> tuple[float, float]:
    """By what the better of two stories is known: what it costs, and of two as dear the one that believes the tracker."""
    return (item.cost.total, item.cost.deviations)
