"""A tracker that stands at a revision which the chain does not know: where that belongs, and whether it ran here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.adapters.revisions import ancestors
from forensics.chain.lookup import Place, look_up
from forensics.explain.closing import closing
from forensics.explain.engine import Explanation, differences
from forensics.explain.story import State
from forensics.history.assignment import RowMatch
from forensics.model import Applied, Chain, ChainEvidence, SchemaObject, SourceStatement

if TYPE_CHECKING:
    from forensics.rules.facts import Facts

_MOST_CHAINS = 4
Pair = tuple[SchemaObject | None, SchemaObject | None]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The live schema judged against one of the chains that know the recorded revision."""

    place: Place
    facts: Facts

    @property
    def explanation(self) -> Explanation:
        """What that chain makes of the live schema."""
        assert self.facts.explanation is not None
        return self.facts.explanation

    @property
    def distance(self) -> tuple[float, float]:
        """How badly that chain explains the live schema, and how far from what the tracker says."""
        return distance(self.explanation)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """One recorded revision that no file of the active chain declares.

    ``places`` are all that know it; ``verdicts`` are what their chains make of the live schema, the best first.
    """

    row: Applied
    places: tuple[Place, ...]
    verdicts: tuple[Verdict, ...] = ()

    @property
    def best(self) -> Verdict | None:
        """The chain that explains the live schema best."""
        return self.verdicts[0] if self.verdicts else None

    def of(self, *kinds: str) -> tuple[Place, ...]:
        """Return the places of these kinds, that of the best verdict first."""
        found = [place for place in self.places if place.kind in kinds]
        first = self.best.place if self.best else None
        return tuple(sorted(found, key=lambda place: place is not first))

    @property
    def kind(self) -> str:
        """The cause that this is one of: what is at hand comes before what only git knows."""
        if self.of("archived", "beside", "folder"):
            return "foreign-chain"
        if self.of("deleted"):
            return "missing-file"
        if self.of("newer", "branch"):
            return "ahead-of-code"
        if self.of("moved"):
            return "foreign-chain"
        return "ahead-of-code" if self.of("lost") else "orphan-revision"


def distance(explanation: Explanation) -> tuple[float, float]:
    """Return what a story leaves to others than migrations, and what it holds against the tracker."""
    cost = explanation.best.cost
    return round(cost.outside + cost.residual + cost.soft, 4), round(cost.deviations, 4)


def places_of(orphans: Sequence[RowMatch], source: ChainEvidence) -> tuple[Foreign, ...]:
    """Look every orphan of a tracker up, without judging anything yet."""
    return tuple(Foreign(row=match.row, places=look_up(match.row.version, source)) for match in orphans)


def investigate(
    found: Sequence[Foreign], sources: Sequence[SourceStatement], examine: Callable[[ChainEvidence], Facts]
) -> tuple[Foreign, ...]:
    """Judge the live schema against each chain that knows a foreign revision.

    ``examine`` explains the environment as if another chain were its own.
    """
    judged = []
    for item in found:
        verdicts = []
        for place in item.places[:_MOST_CHAINS]:
            facts = examine(ChainEvidence(chain=place.chain, sources=tuple(sources)))
            if facts.explanation is not None:
                verdicts.append(Verdict(place=place, facts=facts))
        judged.append(replace(item, verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.distance))))
    return tuple(judged)


def elsewhere(own: Explanation, foreign: Sequence[Foreign]) -> Verdict | None:
    """Return the verdict of the foreign chain that explains the live schema better than the active one, if one does."""
    verdicts = [item.best for item in foreign if item.best is not None]
    best = min(verdicts, key=lambda item: item.distance, default=None)
    return best if best is not None and best.distance < distance(own) else None


def shared(chain: Chain, foreign: Sequence[Foreign]) -> frozenset[str]:
    """Return the migrations of the active chain that a foreign revision comes after: recording it, the tracker implies them."""
    return frozenset(
        name
        for item in foreign
        for place in item.places[:_MOST_CHAINS]
        for name in ancestors(place.chain.by_id, [item.row.version])
        if _same(chain, place.chain, name)
    )


def unclaimed(own: Explanation, verdict: Verdict, chain: Chain) -> Explanation:
    """Return the explanation with every migration of the active chain that seemed to have run taken back.

    What another chain made is none of its doing; of files that both chains hold the other one's story counts. Where both
    explain the schema to the letter nothing decides.
    """
    equal = verdict.distance[0] == distance(own)[0]
    answer, basis = ("unknown", "none") if equal else ("no", "schema")
    theirs = verdict.explanation.judged
    judged = dict(own.judged)
    for name, item in own.judged.items():
        if name in theirs and _same(chain, verdict.place.chain, name):
            judged[name] = theirs[name]
        elif item.executed in ("yes", "partial"):
            effects = replace(item.effects, superseded=0, absent=item.effects.absent + item.effects.superseded)
            judged[name] = replace(item, executed=answer, basis=basis, why=verdict.place.where, effects=effects)
    return replace(own, judged=judged, failures=(), ties=())


def _same(one: Chain, other: Chain, name: str) -> bool:
    mine, theirs = one.by_id.get(name), other.by_id.get(name)
    return mine is not None and theirs is not None and mine.content.text == theirs.content.text


def gap(own: Explanation) -> tuple[Pair, ...]:
    """Return in what the live schema differs from what the active chain builds: (chain, live) pairs.

    Whole tables and views that the chain never mentions are nobody's business here.
    """
    return tuple(
        (was, now)
        for was, now in differences(own.reference.natural, own.subject.live)
        if was is not None or own.search.mentioned(_group(now)) or _group(now) in own.reference.natural
    )


def strange(own: Explanation) -> tuple[str, ...]:
    """Return the tables and views that are there and that the active chain never mentions."""
    return tuple(
        group.name
        for name, group in own.subject.live.items()
        if name not in own.reference.natural and not own.search.mentioned(name)
    )


def reordered(own: Explanation) -> tuple[str, ...]:
    """Return the tables whose columns mean the same as in the active chain and stand in another order."""
    built = own.reference.natural
    return tuple(
        group.name
        for name, group in own.subject.live.items()
        if name in built and built[name].meaning == group.meaning and built[name].layout != group.layout
    )


def alters(own: Explanation) -> tuple[str, ...]:
    """Return the statements that make the live schema what the active chain builds; none of them drops a whole table."""
    live, built = own.subject.live, own.reference.natural
    names = sorted({_group(now or was) for was, now in gap(own)})
    target: State = {name: group for name, group in built.items() if name in names}
    aim = replace(own.subject, live=target)
    steps = closing(live, aim, [name for name in names if name in built])
    return tuple(text for step in steps for text in step.ddl)


def leftovers(own: Explanation) -> tuple[str, ...]:
    """Return the tables and views that are there, that the active chain mentions, and that it does not build."""
    built = own.reference.natural
    return tuple(
        group.name
        for name, group in own.subject.live.items()
        if name not in built and own.search.mentioned(name)
    )


def _group(item: SchemaObject | None) -> str:
    return (item.table or item.name).casefold() if item else ""
