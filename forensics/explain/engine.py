"""Explain one environment: the story, its proof, what it says of every migration, and what would fail next."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.explain.attest import by_writers, chosen, contradicted
from forensics.explain.compare import changed
from forensics.explain.cookie import by_cookie
from forensics.explain.cost import remainder
from forensics.explain.foresee import Failure, foresee
from forensics.explain.hands import by_hands
from forensics.explain.judge import Judged, judge
from forensics.explain.masks import Mask, masks
from forensics.explain.placing import complete
from forensics.explain.player import Player
from forensics.explain.reference import Reference
from forensics.explain.search import ROUNDS, Search, Tried, cheaper
from forensics.explain.settle import settle
from forensics.explain.story import Outside, Played, Run, State, Told, apply
from forensics.explain.subject import Subject, copies
from forensics.explain.votes import ballot
from forensics.model import SchemaObject


@dataclass(frozen=True)
class Explanation:
    """What the evidence of one environment comes to.

    ``best`` is the cheapest story; ``played`` is that story with every outside change in its place, replayed in full from
    empty. ``residual`` are objects that it does not account for. ``baseline`` counts the elementary differences that
    the tracker's own story leaves. ``settled``: physical evidence speaks for the best story.
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
    settled: bool = False

    def from_models(self, step: Outside) -> bool:
        """Whether an outside step is the whole of what the models' ``create_all`` builds, or built when it ran."""
        return step.origin == "models" and bool(step.ddl) and not step.group

    @property
    def by_models(self) -> bool:
        """Whether the story begins with the models' ``create_all``."""
        return any(isinstance(line.step, Outside) and self.from_models(line.step) for line in self.played.told)

    def makers(self) -> dict[str, str]:
        """Return which migration made each group that is there (empty: something outside), by case-folded name."""
        made: dict[str, str] = {}
        state = self.played.begin
        for line in self.played.told:
            for name, group in line.changed:
                if group is not None and name not in state:
                    made[name] = line.step.migration if isinstance(line.step, Run) else ""
            state = apply(state, line)
        return made

    def copies(self) -> dict[str, str]:
        """Return the migrations that have the very bytes and the version of an earlier one, with that one."""
        return copies(self.subject)

    def supplier(self, line: Told) -> str:
        """Return the later migration after which one that fails in the chain's order goes through, if there is one."""
        name = line.migration
        order = self.subject.order
        if name in self.reference.never or name not in self.reference.order:
            return ""
        place = self.reference.order.index(name)
        before = self.reference.order[place - 1] if place else ""
        return before if before and order[before] > order[name] else ""

    def against(self, tied: Tried) -> tuple[tuple[SchemaObject | None, SchemaObject | None], ...]:
        """Return what an equally good story leaves to changes from outside, of the groups that migrations write."""
        return tuple(
            pair for pair in differences(tied.played.final, self.subject.live) if self.search.mentioned(_group_of(pair))
        )

    def statements(self, step: Run) -> tuple[str, ...]:
        """Return the statements that a step of the story executed: of a script all, of a Python migration those that changed the schema.

        What Python wrote into tables depends on more than the text of its statements.
        """
        lab = self.search.player.lab
        if self.search.player.contents[step.migration].language == "sql":
            pieces = lab.statements(self.search.player.contents[step.migration])
            return pieces if step.statements is None else tuple(pieces[number - 1] for number in step.statements)
        key = lab.empty
        for line in self.played.told:
            outcome = lab.run(key, self.search.player.order(line.step))
            key = outcome.state
            if line.step == step:
                return tuple(item.sql for item in outcome.statements if item.ddl or _setting(item.sql))
        return ()

    def edited(self, name: str) -> tuple[tuple[SchemaObject | None, SchemaObject | None], ...]:
        """Return how what the applied text leaves differs from what the file of today would leave in its place."""
        today = self.search.player.today.get(name)
        if today is None:
            return ()
        state = self.played.begin
        for line in self.reference_steps():
            if isinstance(line.step, Run) and line.step.migration == name:
                applied = self.search.player.after(state, line.step)[0]
                other = self.search.player.after_text(state, today)
                return tuple(
                    (was, now)
                    for group in sorted(applied.keys() | other.keys())
                    for _key, was, now in changed(applied.get(group), other.get(group))
                )
            state = apply(state, line)
        return ()

    def reference_steps(self) -> tuple[Told, ...]:
        """Return the steps of the reference replay, in its order."""
        return tuple(self.reference.told[name] for name in self.reference.order)

    def models_against_chain(self) -> tuple[tuple[SchemaObject | None, SchemaObject | None], ...]:
        """Return the objects in which the live schema and what the chain builds differ in meaning."""
        return differences(self.reference.final, self.subject.live)

    def renamed(self) -> tuple[tuple[SchemaObject, SchemaObject], ...]:
        """Return indexes and triggers that the story builds under one name and the database holds under another."""
        before = self.best.played.final
        return renames(before, self.subject.live)


def _setting(sql: str) -> bool:
    return sql.lstrip()[:6].casefold() == "pragma" and "=" in sql


def _group_of(pair: tuple[SchemaObject | None, SchemaObject | None]) -> str:
    item = pair[1] or pair[0]
    return (item.table or item.name).casefold() if item else ""


def differences(expected: State, live: State) -> tuple[tuple[SchemaObject | None, SchemaObject | None], ...]:
    """Return the pairs of objects that differ in meaning between two states, in a fixed order."""
    return tuple(
        (was, now)
        for name in sorted(expected.keys() | live.keys())
        for _key, was, now in sorted(changed(expected.get(name), live.get(name)), key=lambda item: item[0])
        if was is None or now is None or was.meaning != now.meaning
    )


def unmakeable(pair: tuple[SchemaObject | None, SchemaObject | None]) -> bool:
    """Whether a difference is an INVALID index: only a statement that fails leaves one behind, so no story can make it."""
    was, now = pair
    if now is None or now.kind != "index" or dict(now.meaning).get("valid") is not False:
        return False
    return was is None or tuple(item for item in now.meaning if item[0] != "valid") == was.meaning


def renames(expected: State, live: State) -> tuple[tuple[SchemaObject, SchemaObject], ...]:
    """Return pairs of indexes or triggers with one definition and two names."""
    pairs = differences(expected, live)
    gone = [was for was, now in pairs if now is None and was is not None and was.kind in ("index", "trigger")]
    new = [now for was, now in pairs if was is None and now is not None and now.kind in ("index", "trigger")]
    found = []
    for item in gone:
        twin = next((other for other in new if _twins(item, other)), None)
        if twin is not None:
            new.remove(twin)
            found.append((item, twin))
    return tuple(found)


def _twins(one: SchemaObject, other: SchemaObject) -> bool:
    return one.kind == other.kind and one.key[1] == other.key[1] and one.meaning == other.meaning


def explain(
    subject: Subject, player: Player, reference: Reference, pending: tuple[str, ...], *, rounds: int = ROUNDS
) -> Explanation:
    """Find and prove the story of one environment, and judge every migration by it.

    ``rounds`` bounds how often the best story is mended; with 0 the best of those to begin with counts.
    """
    search = Search(subject, reference, player, ballot(reference, subject.live), rounds=rounds)
    best = search.best()
    judged, silent = judge(search, best)
    plainer = min((search.attempt(item.other.story) for item in silent if not item.partly), key=cheaper, default=best)
    if cheaper(plainer) < cheaper(best):  # what left no trace makes the rest a simpler story where it did not run
        best = search.proven(plainer)
        judged, silent = judge(search, best)
    by_schema = best
    best, settled = chosen(search, best) if subject.physical is not None else settle(search, best, silent)
    if settled:
        judged, silent = judge(search, best, settled=True)
    played = complete(search, best)
    judged = by_cookie(search, played, judged, silent)
    judged = by_writers(search, by_schema, best, judged, silent)
    if not settled:
        judged = by_hands(search, played, judged)
    kept = tuple(
        step for step in played.story if not (isinstance(step, Run) and judged[step.migration].executed == "no")
    )
    if kept != played.story:
        played = player.prove(kept)
    residual = differences(played.final, subject.live)
    # Where no migration ran at all a story is no reconstruction, unless the tracker's claim is what it explains.
    ran = any(isinstance(line.step, Run) and line.status != "nothing" for line in played.told)
    ran = ran or (bool(subject.recorded) and _modelled(subject, played))
    tracker = next(search.starts(), ())
    return Explanation(
        subject=subject,
        reference=reference,
        best=best,
        played=played,
        residual=residual,
        reconstructed=all(map(unmakeable, residual)) and (ran or not subject.live) and bool(subject.live),
        baseline=remainder(search.attempt(tracker).played.final, subject.live, search.ruler)[2],
        judged=judged,
        failures=foresee(subject, player, reference, judged, pending, again=not _modelled(subject, played)),
        masks=masks(played, player),
        ties=tuple(tied for tied in search.ties(best) if not contradicted(search, tied)),
        settled=settled,
        tried=tuple(
            sorted({id(item): item for item in search.tried.values()}.values(), key=lambda item: item.cost.total)
        ),
        search=search,
    )


def _modelled(subject: Subject, played: Played) -> bool:
    steps = (line.step for line in played.told)
    return any(isinstance(step, Outside) and bool(step.ddl) and step.ddl == subject.models_ddl for step in steps)
